//! Shared doors of the end-to-end tests: real processes, real sockets, real media.

//! The messages of `control.proto`, as generated. Their documentation is the contract's own.

#![allow(missing_docs, unreachable_pub, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/retrovue.control.v1.rs"));

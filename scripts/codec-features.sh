#!/bin/sh
# Prints the cargo flags that choose the codecs this machine can build: nothing where the defaults hold.
#
#   dav1d     off where the system's libdav1d is 1.3 or newer (the binding knows the older structures), or
#             absent; libav then decodes AV1, with the same library where the system's libav has it.
#   fdk-aac   off with NO_FDK=1; libav then codes AAC and the binaries may be redistributed under the GPL.
set -eu

features=""
if pkg-config --exists 'dav1d >= 1.0' 'dav1d < 1.3' 2>/dev/null; then
    features="dav1d"
fi
if [ "${NO_FDK:-0}" != 1 ]; then
    features="${features:+$features,}fdk-aac"
fi
case "$features" in
dav1d,fdk-aac) ;;
"") echo "--no-default-features" ;;
*) echo "--no-default-features --features $features" ;;
esac

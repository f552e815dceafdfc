//! Failure codes of the contracts (seed 003 §2.3, §3.5, §4.3, §7.1) and ours beside them. All are
//! block- or session-level: none names a segment (seed 003 §8.2.2).

use std::fmt;
use std::str::FromStr;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a block was refused or a session ended.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum FailureCode {
            $($(#[$doc])* $name,)*
            /// A code of a newer peer, kept as it came.
            Other(String),
        }

        impl FailureCode {
            /// Every code with a meaning here.
            pub const KNOWN: &'static [FailureCode] = &[$(FailureCode::$name,)*];

            /// The code on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(FailureCode::$name => $text,)*
                    FailureCode::Other(text) => text,
                }
            }
        }

        impl From<&str> for FailureCode {
            fn from(text: &str) -> FailureCode {
                match text {
                    $($text => FailureCode::$name,)*
                    _ => FailureCode::Other(text.to_owned()),
                }
            }
        }
    };
}

codes! {
    /// The block had ended when it was received.
    StaleBlockFromCore = "STALE_BLOCK_FROM_CORE",
    /// Segment durations do not sum to the block's.
    SegmentDurationMismatch = "SEGMENT_DURATION_MISMATCH",
    /// Segment indices are not 0, 1, 2, ….
    InvalidSegmentIndex = "INVALID_SEGMENT_INDEX",
    /// An asset is not there or not readable.
    AssetMissing = "ASSET_MISSING",
    /// A segment begins outside its asset.
    InvalidOffset = "INVALID_OFFSET",
    /// A join lies past the asset's end.
    OffsetExceedsAsset = "OFFSET_EXCEEDS_ASSET",
    /// Two blocks are queued already.
    QueueFull = "QUEUE_FULL",
    /// The block does not end after it starts.
    InvalidBlockTiming = "INVALID_BLOCK_TIMING",
    /// The block does not start where the one before ends.
    BlockNotContiguous = "BLOCK_NOT_CONTIGUOUS",
    /// The block is queued already.
    DuplicateBlock = "DUPLICATE_BLOCK",
    /// A segment's duration is not positive.
    InvalidDuration = "INVALID_DURATION",
    /// No block was pending at the fence.
    LookaheadExhausted = "LOOKAHEAD_EXHAUSTED",
    /// The session has ended.
    SessionTerminated = "SESSION_TERMINATED",
    /// An asset became unreadable.
    AssetError = "ASSET_ERROR",
    /// An asset could not be decoded.
    DecodeError = "DECODE_ERROR",
    /// The clock left its tolerance.
    DriftExceeded = "DRIFT_EXCEEDED",
    /// A message broke the protocol.
    ProtocolError = "PROTOCOL_ERROR",
    /// The peers speak different versions.
    VersionMismatch = "VERSION_MISMATCH",
    /// The house format cannot be produced.
    InvalidFormat = "INVALID_FORMAT",
    /// No session is running.
    NoSession = "NO_SESSION",
    /// The output socket is gone.
    OutputClosed = "OUTPUT_CLOSED",
    /// The output socket stayed full.
    OutputStalled = "OUTPUT_STALLED",
    /// An encoder failed.
    EncoderError = "ENCODER_ERROR",
    /// A fault of the program itself.
    InternalError = "INTERNAL_ERROR",
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FailureCode {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<FailureCode, Self::Err> {
        Ok(FailureCode::from(text))
    }
}

/// A code with what, where and what to do, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Failure {
    /// The contract's code.
    pub code: FailureCode,
    /// The sentence.
    pub detail: String,
}

impl Failure {
    /// A failure.
    #[must_use]
    pub const fn new(code: FailureCode, detail: String) -> Failure {
        Failure { code, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_those_of_the_contract() {
        let contract = "STALE_BLOCK_FROM_CORE SEGMENT_DURATION_MISMATCH INVALID_SEGMENT_INDEX ASSET_MISSING \
            INVALID_OFFSET OFFSET_EXCEEDS_ASSET QUEUE_FULL INVALID_BLOCK_TIMING BLOCK_NOT_CONTIGUOUS \
            DUPLICATE_BLOCK INVALID_DURATION LOOKAHEAD_EXHAUSTED SESSION_TERMINATED ASSET_ERROR DECODE_ERROR \
            DRIFT_EXCEEDED PROTOCOL_ERROR VERSION_MISMATCH INVALID_FORMAT NO_SESSION OUTPUT_CLOSED \
            OUTPUT_STALLED ENCODER_ERROR INTERNAL_ERROR";
        let words: Vec<&str> = contract.split_whitespace().collect();
        assert_eq!(FailureCode::KNOWN.iter().map(FailureCode::as_str).collect::<Vec<_>>(), words);
        for (word, code) in words.iter().zip(FailureCode::KNOWN) {
            assert_eq!(word.parse::<FailureCode>().as_ref(), Ok(code));
            assert_eq!(&code.to_string(), word);
        }
    }

    #[test]
    fn unknown_codes_are_kept() {
        for text in ["", "NEW_IN_VERSION_9", "asset_missing", " ASSET_MISSING"] {
            let code = FailureCode::from(text);
            assert_eq!(code, FailureCode::Other(text.to_owned()));
            assert_eq!(code.to_string(), text);
        }
    }
}

//! The threads of one session and the bounded rings between them.
//!
//! ```text
//! fill-a ─▶ frame lane ─┐
//!                       ├─▶ encode ─▶ unit ring ─▶ air ─▶ output socket
//! fill-b ─▶ frame lane ─┘
//! ```
//!
//! Frames go home to their producer through a return ring. Everything that decides *what* goes out
//! is in [`crate::session`]; these threads move it.

mod air;
mod bell;
mod cue_ring;
mod encode;
mod event_ring;
mod fill;
mod frame_lane;
mod shared_session;
mod unit_ring;

pub use air::Continuation;
pub use bell::Bell;
pub use shared_session::{Anchor, SharedSession};

use crate::format::SessionFormat;
use crate::scheduling::Scheduling;
use crate::service::Service;
use retrovue_codec::{MediaError, Picture};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_timebase::FrameIndex;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

/// The running threads of a session.
pub struct Pipeline {
    threads: Vec<JoinHandle<()>>,
}

/// What a session sends and where.
pub struct Output<W> {
    /// Takes whole transport packets.
    pub sink: W,
    /// What the tables tell of the service.
    pub service: Service,
    /// The transport stream this one continues.
    pub continuation: Continuation,
}

impl Pipeline {
    /// Starts the threads of `session`, whose first frame is `first` and whose anchor is set.
    ///
    /// # Errors
    /// INVALID_FORMAT or ENCODER_ERROR where a codec or the muxer refuses the format.
    pub fn start<W: Write + Send + 'static>(
        session: &Arc<SharedSession>,
        format: &SessionFormat,
        anchor: Anchor,
        first: FrameIndex,
        output: Output<W>,
        scheduling: Scheduling,
    ) -> Result<Pipeline, Failure> {
        let refused = |e: MediaError| Failure::new(FailureCode::EncoderError, e.to_string());
        let stop: Arc<AtomicBool> = Arc::clone(&session.stop);
        let (encode_bell, air_bell) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let samples = usize::try_from(format.shape.rate.max_samples_per_frame()).unwrap_or(0);
        let metrics = &session.metrics;
        let lane = |parity| {
            let (bell, stop) = (Arc::clone(&encode_bell), Arc::clone(&stop));
            frame_lane::lane(parity, samples, bell, stop, Arc::clone(metrics))
        };
        let ((send_a, receive_a), (send_b, receive_b)) = (lane(0), lane(1));
        let units = unit_ring::UnitRing::new(
            format.peak_kbps(),
            format.audio_kbps,
            Arc::clone(&encode_bell),
            Arc::clone(&air_bell),
            stop,
            Arc::clone(metrics),
        );
        let black = Picture::black(format.shape.width, format.shape.height).map_err(refused)?;

        let mut threads = Vec::new();
        let mut spawn = |name: &str, body: Box<dyn FnOnce() + Send>| -> Result<(), Failure> {
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|e| {
                Failure::new(FailureCode::InternalError, format!("cannot start thread {name}: {e}"))
            })?;
            threads.push(thread);
            Ok(())
        };
        // Producers first: opening the asset takes longer than opening the encoders.
        for (name, lane, parity) in [("fill-a", send_a, 0), ("fill-b", send_b, 1)] {
            let (session, shape) = (Arc::clone(session), format.shape.clone());
            let mut own_black = Picture::empty();
            own_black.share(&black);
            spawn(name, Box::new(move || fill::run(&session, lane, &shape, &own_black, parity)))?;
        }
        let prepared = encode::Encode::open(format, units.sender, anchor, first).map_err(refused).and_then(
            |mut encode| {
                let units = (units.receiver, units.store);
                let told = (session.take_events_end(), session.take_cues_end());
                let described = (encode.reorder_frames(), encode.picture_descriptor().map_err(refused)?);
                let air = air::Air::new(format, anchor, first, output, units, told, described)?;
                Ok((encode, air))
            },
        );
        let (encode, air) = match prepared {
            Ok(prepared) => prepared,
            Err(failure) => {
                session.stop_now();
                return Err(failure);
            }
        };
        let on_encode = Arc::clone(session);
        spawn("encode", Box::new(move || encode.run(&on_encode, &encode_bell, [receive_a, receive_b])))?;
        let on_air = Arc::clone(session);
        spawn(
            "air",
            Box::new(move || {
                scheduling.pace();
                air.run(&on_air, &air_bell);
            }),
        )?;
        Ok(Pipeline { threads })
    }

    /// Waits for every thread. Call after the session ended or was stopped.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a session thread panicked");
            }
        }
    }
}

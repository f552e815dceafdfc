//! Makes one progressive picture of each interlaced frame, with libavfilter's bwdif.
//!
//! Only frames flagged as interlaced are touched; a source without any never comes here. One frame out for
//! each frame in, in order, so stamps are kept beside the filter rather than in it.

use crate::MediaError;
use crate::libav::{Frame, error_text};
use crate::stamp::Stamped;
use crate::start_up::codec_lock;
use ffmpeg_sys_next as ff;
use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::ptr::{self, NonNull};

/// A running deinterlacer for frames of one size and format.
pub(crate) struct Deinterlacer {
    graph: NonNull<ff::AVFilterGraph>,
    source: *mut ff::AVFilterContext,
    sink: *mut ff::AVFilterContext,
    made_for: (i32, i32, i32),
    /// Stamps and durations of the frames inside; the filter holds one or two.
    stamps: VecDeque<(i64, i64)>,
    /// Counts frames in, as the filter's own time.
    count: i64,
}

// SAFETY: a filter graph has no thread affinity and is used by one thread at a time.
unsafe impl Send for Deinterlacer {}

impl Deinterlacer {
    /// A deinterlacer for frames like this one.
    pub(crate) fn like(frame: &Frame) -> Result<Deinterlacer, MediaError> {
        let f = frame.fields();
        let made_for = (f.width, f.height, f.format);
        let _lock = codec_lock();
        // SAFETY: no preconditions; null is handled.
        let graph = NonNull::new(unsafe { ff::avfilter_graph_alloc() })
            .ok_or(MediaError::OutOfMemory { what: "a deinterlacer" })?;
        // From here on dropping `this` frees whatever the graph holds.
        let mut this = Deinterlacer {
            graph,
            source: ptr::null_mut(),
            sink: ptr::null_mut(),
            made_for,
            stamps: VecDeque::with_capacity(4),
            count: 0,
        };
        let arguments = format!(
            "video_size={}x{}:pix_fmt={}:time_base=1/25:pixel_aspect=1/1",
            f.width, f.height, f.format
        );
        let arguments = CString::new(arguments).unwrap_or_default();
        // One picture a frame, field order from the frame, only frames flagged as interlaced.
        let code = this.build(&arguments, c"mode=send_frame:parity=auto:deint=interlaced");
        if code < 0 {
            return Err(MediaError::Config { what: format!("no deinterlacer: {}", error_text(code)) });
        }
        Ok(this)
    }

    fn build(&mut self, source: &CStr, settings: &CStr) -> i32 {
        let graph = self.graph.as_ptr();
        let mut filter = ptr::null_mut();
        // SAFETY: the graph is ours and unconfigured; names and arguments are terminated; the filters
        // created belong to the graph and are linked while it lives.
        unsafe {
            // No threads of its own.
            (*graph).nb_threads = 1;
            let create = |slot: &mut *mut ff::AVFilterContext,
                          name: &CStr,
                          arguments: *const libc::c_char| {
                let kind = ff::avfilter_get_by_name(name.as_ptr());
                if kind.is_null() {
                    return ff::AVERROR_FILTER_NOT_FOUND;
                }
                ff::avfilter_graph_create_filter(slot, kind, name.as_ptr(), arguments, ptr::null_mut(), graph)
            };
            let mut code = create(&mut self.source, c"buffer", source.as_ptr());
            if code >= 0 {
                code = create(&mut filter, c"bwdif", settings.as_ptr());
            }
            if code >= 0 {
                code = create(&mut self.sink, c"buffersink", ptr::null());
            }
            if code >= 0 {
                code = ff::avfilter_link(self.source, 0, filter, 0);
            }
            if code >= 0 {
                code = ff::avfilter_link(filter, 0, self.sink, 0);
            }
            if code >= 0 {
                code = ff::avfilter_graph_config(graph, ptr::null_mut());
            }
            code
        }
    }

    /// Whether this one can take `frame`.
    pub(crate) fn takes(&self, frame: &Frame) -> bool {
        let f = frame.fields();
        self.made_for == (f.width, f.height, f.format)
    }

    /// Puts a frame in; `None` marks the end.
    pub(crate) fn push(&mut self, stamped: Option<Stamped>) -> Result<(), MediaError> {
        let frame = stamped.map(|mut s| {
            self.stamps.push_back((s.at, s.lasts));
            s.frame.fields_mut().pts = self.count;
            self.count += 1;
            s.frame
        });
        let raw = frame.as_ref().map_or(ptr::null_mut(), Frame::as_ptr);
        // SAFETY: the source belongs to the live graph; the frame is null or ours, and its reference is
        // moved into the graph.
        let code = unsafe { ff::av_buffersrc_add_frame(self.source, raw) };
        if code < 0 && code != ff::AVERROR_EOF {
            return Err(MediaError::Config { what: format!("deinterlacing failed: {}", error_text(code)) });
        }
        Ok(())
    }

    /// Takes a finished frame out, if there is one.
    pub(crate) fn pull(&mut self) -> Result<Option<Stamped>, MediaError> {
        let mut frame = Frame::new()?;
        // SAFETY: the sink belongs to the live graph; the frame is ours and blank.
        let code = unsafe { ff::av_buffersink_get_frame(self.sink, frame.as_ptr()) };
        if code < 0 {
            return Ok(None);
        }
        let Some((at, lasts)) = self.stamps.pop_front() else { return Ok(None) };
        let f = frame.fields_mut();
        (f.pts, f.best_effort_timestamp) = (at, at);
        Ok(Some(Stamped { frame, at, lasts }))
    }
}

impl Drop for Deinterlacer {
    fn drop(&mut self) {
        let mut graph = self.graph.as_ptr();
        // SAFETY: the graph is owned and dropped once; its filters go with it.
        unsafe { ff::avfilter_graph_free(&mut graph) };
    }
}

//! One open media file: its streams, its packets in file order, and seeking by stamp.
//!
//! Decodes nothing and picks nothing. Only local regular files of known container formats are opened:
//! playlists, image sequences and text that happens to resemble a format are refused, and no format may
//! open a second file or a network address.

use crate::MediaError;
use crate::libav::{Packet, error_text};
use crate::stamp::TimeBase;
use crate::start_up::{codec_lock, init};
use ffmpeg_sys_next as ff;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

/// An open container.
pub(crate) struct Demuxer {
    context: NonNull<ff::AVFormatContext>,
    path: PathBuf,
    bad_reads: u32,
}

// SAFETY: a format context has no thread affinity and is used by one thread at a time.
unsafe impl Send for Demuxer {}

/// How much of the file to read to learn what its streams are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// The header alone.
    Header,
    /// The header where it tells everything needed for playing, else as little content as will do.
    Play,
    /// Enough to describe the streams fully.
    Describe,
}

/// Result of reading on.
pub(crate) enum Read {
    /// A packet of one of the streams that are not discarded.
    Packet(Packet),
    /// The end of the file, or of what can be made sense of.
    End,
}

/// Demuxers that may be used, by libav's names.
const CONTAINERS: &CStr = c"mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,matroska,webm,mpegts,mpeg,avi,asf,flv,live_flv,mxf,gxf,\
ogg,wav,w64,aiff,caf,flac,mp3,aac,ac3,eac3,dts,dtshd,truehd,h264,hevc,mpegvideo,m4v,obu,ivf,nut,rm,dv,vob,wtv,\
mpegtsraw,mp2,ape,wv,tta,au";

/// (bytes, microseconds) of content examined: first, and once more when that did not do.
const SHALLOW: (i64, i64) = (1 << 20, 1_000_000);
const DEEP: (i64, i64) = (32 << 20, 20_000_000);

/// Damaged packets in a row after which the file counts as ended.
const MAX_BAD_READS: u32 = 64;

impl Demuxer {
    pub(crate) fn open(path: &Path, effort: Effort) -> Result<Demuxer, MediaError> {
        init();
        check_regular_file(path)?;
        let mut demuxer = Demuxer::open_once(path, SHALLOW)?;
        let header_tells = demuxer.header_tells_all();
        if effort == Effort::Header || (effort == Effort::Play && header_tells) {
            return Ok(demuxer);
        }
        demuxer.examine(effort)?;
        if !header_tells && demuxer.playable_streams_unknown() {
            demuxer = Demuxer::open_once(path, DEEP)?;
            demuxer.examine(effort)?;
        }
        Ok(demuxer)
    }

    fn open_once(path: &Path, (bytes, microseconds): (i64, i64)) -> Result<Demuxer, MediaError> {
        let mut url = b"file:".to_vec();
        url.extend_from_slice(path.as_os_str().as_bytes());
        let Ok(url) = CString::new(url) else {
            return Err(MediaError::NotFound { path: path.to_path_buf() });
        };
        let _lock = codec_lock();
        let mut options = ptr::null_mut();
        for (key, value) in [
            (c"protocol_whitelist", c"file"),
            (c"format_whitelist", CONTAINERS),
            // Frames that an edit list hides are still decoded, so that those it shows are whole.
            (c"advanced_editlist", c"1"),
        ] {
            // SAFETY: `options` is null or a dictionary of ours; the strings are terminated and copied.
            unsafe { ff::av_dict_set(&mut options, key.as_ptr(), value.as_ptr(), 0) };
        }
        // SAFETY: no preconditions; null is handled.
        let mut context = unsafe { ff::avformat_alloc_context() };
        if context.is_null() {
            return Err(MediaError::OutOfMemory { what: "a demuxer" });
        }
        // SAFETY: the context was just allocated; on failure avformat_open_input frees it, and the options
        // dictionary is ours to free in either case.
        let code = unsafe {
            (*context).probesize = bytes;
            (*context).max_analyze_duration = microseconds;
            // The average rate is not needed for playing, and measuring it reads dozens of frames.
            (*context).fps_probe_size = 0;
            let code = ff::avformat_open_input(&mut context, url.as_ptr(), ptr::null(), &mut options);
            ff::av_dict_free(&mut options);
            code
        };
        let path = path.to_path_buf();
        match NonNull::new(context) {
            Some(context) if code >= 0 => Ok(Demuxer { context, path, bad_reads: 0 }),
            _ => Err(open_error(path, code)),
        }
    }

    fn examine(&mut self, effort: Effort) -> Result<(), MediaError> {
        let _lock = codec_lock();
        // SAFETY: the context is open and exclusively borrowed.
        let code = unsafe {
            if effort == Effort::Describe {
                self.context.as_mut().fps_probe_size = -1;
            }
            ff::avformat_find_stream_info(self.context.as_ptr(), ptr::null_mut())
        };
        if code < 0 {
            return Err(MediaError::NotMedia { path: self.path.clone(), reason: error_text(code) });
        }
        Ok(())
    }

    /// Whether this container's header describes its streams well enough to decode them.
    fn header_tells_all(&self) -> bool {
        let name = self.container();
        (name.starts_with("mov") || name.starts_with("matroska")) && !self.playable_streams_unknown()
    }

    fn playable_streams_unknown(&self) -> bool {
        self.streams().all(|s| !s.is_video() && !s.is_audio())
            || self.streams().any(|s| match s.kind() {
                ff::AVMediaType::AVMEDIA_TYPE_VIDEO if !s.is_cover() => {
                    s.codec_id() == ff::AVCodecID::AV_CODEC_ID_NONE || s.parameters().width <= 0
                }
                ff::AVMediaType::AVMEDIA_TYPE_AUDIO => {
                    s.codec_id() == ff::AVCodecID::AV_CODEC_ID_NONE
                        || s.parameters().sample_rate <= 0
                        || s.parameters().ch_layout.nb_channels <= 0
                }
                _ => false,
            })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn fields(&self) -> &ff::AVFormatContext {
        // SAFETY: the context is owned and open.
        unsafe { self.context.as_ref() }
    }

    /// libav's name of the container format.
    pub(crate) fn container(&self) -> &str {
        // SAFETY: an open context has an input format, whose name is a static string.
        unsafe { CStr::from_ptr((*self.fields().iformat).name) }.to_str().unwrap_or("")
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = Stream<'_>> {
        (0..self.fields().nb_streams as usize).map(|i| self.stream(i))
    }

    /// Stream number `index`, which must have come from [`Demuxer::streams`].
    pub(crate) fn stream(&self, index: usize) -> Stream<'_> {
        assert!(index < self.fields().nb_streams as usize, "stream {index} of {:?}", self.path);
        // SAFETY: libav keeps `nb_streams` valid stream pointers, none freed before the context.
        Stream { raw: unsafe { &**self.fields().streams.add(index) } }
    }

    /// Reads packets of these streams only.
    pub(crate) fn select(&mut self, wanted: &[Option<usize>]) {
        for index in 0..self.fields().nb_streams as usize {
            let discard = if wanted.contains(&Some(index)) {
                ff::AVDiscard::AVDISCARD_DEFAULT
            } else {
                ff::AVDiscard::AVDISCARD_ALL
            };
            // SAFETY: the index is below nb_streams and the context exclusively borrowed.
            unsafe { (**self.context.as_mut().streams.add(index)).discard = discard };
        }
    }

    pub(crate) fn read(&mut self) -> Result<Read, MediaError> {
        loop {
            let packet = Packet::new()?;
            // SAFETY: the context is open and exclusively borrowed, the packet blank.
            let code = unsafe { ff::av_read_frame(self.context.as_ptr(), packet.as_ptr()) };
            if code >= 0 {
                self.bad_reads = 0;
                return Ok(Read::Packet(packet));
            }
            if code == ff::AVERROR_EOF {
                // SAFETY: as above; pb is null only for formats without a file.
                let failure = unsafe { self.context.as_ref().pb.as_ref() }.map_or(0, |pb| pb.error);
                if failure < 0 && failure != ff::AVERROR_EOF {
                    return Err(MediaError::read(&self.path, error_text(failure)));
                }
                return Ok(Read::End);
            }
            if code != ff::AVERROR_INVALIDDATA && code != ff::AVERROR(libc::EAGAIN) {
                return Err(MediaError::read(&self.path, error_text(code)));
            }
            self.bad_reads += 1;
            if self.bad_reads > MAX_BAD_READS {
                return Ok(Read::End);
            }
        }
    }

    /// Goes to the last place at or before stamp `at` of stream `index` from which it can be decoded.
    pub(crate) fn seek(&mut self, index: usize, at: i64) -> Result<(), String> {
        self.bad_reads = 0;
        let flags = ff::AVSEEK_FLAG_BACKWARD;
        // SAFETY: the context is open and exclusively borrowed.
        let code = unsafe { ff::av_seek_frame(self.context.as_ptr(), index as i32, at, flags) };
        if code < 0 { Err(error_text(code)) } else { Ok(()) }
    }
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: the context is owned and dropped once.
        unsafe { ff::avformat_close_input(&mut context) };
    }
}

/// One elementary stream of an open container.
#[derive(Clone, Copy)]
pub(crate) struct Stream<'a> {
    raw: &'a ff::AVStream,
}

impl<'a> Stream<'a> {
    pub(crate) fn fields(self) -> &'a ff::AVStream {
        self.raw
    }

    pub(crate) fn parameters(self) -> &'a ff::AVCodecParameters {
        // SAFETY: every stream of an open context has codec parameters for as long as it lives.
        unsafe { &*self.raw.codecpar }
    }

    fn kind(self) -> ff::AVMediaType {
        self.parameters().codec_type
    }

    pub(crate) fn codec_id(self) -> ff::AVCodecID {
        self.parameters().codec_id
    }

    /// A still picture that comes with the file: cover art or thumbnails, no video.
    fn is_cover(self) -> bool {
        let still = ff::AV_DISPOSITION_ATTACHED_PIC | ff::AV_DISPOSITION_TIMED_THUMBNAILS;
        self.raw.disposition & still != 0
    }

    pub(crate) fn is_video(self) -> bool {
        self.kind() == ff::AVMediaType::AVMEDIA_TYPE_VIDEO
            && !self.is_cover()
            && self.codec_id() != ff::AVCodecID::AV_CODEC_ID_NONE
    }

    pub(crate) fn is_audio(self) -> bool {
        self.kind() == ff::AVMediaType::AVMEDIA_TYPE_AUDIO
            && self.codec_id() != ff::AVCodecID::AV_CODEC_ID_NONE
    }

    pub(crate) fn time_base(self) -> TimeBase {
        TimeBase::new(self.raw.time_base)
    }

    #[cfg(any(feature = "dav1d", feature = "fdk-aac"))]
    pub(crate) fn extradata(self) -> &'a [u8] {
        let p = self.parameters();
        match usize::try_from(p.extradata_size) {
            // SAFETY: libav keeps `extradata_size` bytes at `extradata` while the stream lives.
            Ok(len) if !p.extradata.is_null() => unsafe { std::slice::from_raw_parts(p.extradata, len) },
            _ => &[],
        }
    }

    /// The value of a metadata tag.
    pub(crate) fn tag(self, key: &CStr) -> Option<String> {
        tag(self.raw.metadata, key)
    }

    /// Clockwise turn to apply for display, in quarter turns.
    pub(crate) fn quarter_turns(self) -> u32 {
        let (data, size) = self.display_matrix();
        if data.is_null() || size < 36 {
            return 0;
        }
        // SAFETY: the stream lives, and with it its side data, which is long enough and which libav aligns
        // for any type.
        let matrix = unsafe { std::slice::from_raw_parts(data.cast::<i32>(), 9) };
        // Rows (a, b) and (c, d) of the matrix; right is turned to (a, b), down to (c, d).
        match (matrix[0].signum(), matrix[1].signum(), matrix[3].signum(), matrix[4].signum()) {
            (0, 1, -1, 0) => 1,
            (-1, 0, 0, -1) => 2,
            (0, -1, 1, 0) => 3,
            _ => 0,
        }
    }
}

impl Stream<'_> {
    /// The display matrix and its length in bytes; null where there is none.
    #[cfg(coded_side_data)]
    fn display_matrix(self) -> (*const u8, usize) {
        let p = self.parameters();
        let kind = ff::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
        // SAFETY: the parameters own an array of that many entries.
        let found =
            unsafe { ff::av_packet_side_data_get(p.coded_side_data, p.nb_coded_side_data, kind).as_ref() };
        found.map_or((ptr::null(), 0), |entry| (entry.data.cast_const(), entry.size))
    }

    /// The display matrix and its length in bytes; null where there is none.
    #[cfg(not(coded_side_data))]
    fn display_matrix(self) -> (*const u8, usize) {
        let kind = ff::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
        let mut size = 0;
        // SAFETY: the stream lives.
        let data = unsafe { ff::av_stream_get_side_data(self.raw, kind, &mut size) };
        (data.cast_const(), size)
    }
}

/// Looks a tag up in one of libav's dictionaries, which may be null.
pub(crate) fn tag(dictionary: *const ff::AVDictionary, key: &CStr) -> Option<String> {
    // SAFETY: the dictionary is null or alive, the key terminated; an entry's value is a terminated
    // string owned by the dictionary.
    unsafe {
        let entry = ff::av_dict_get(dictionary, key.as_ptr(), ptr::null(), 0);
        let value = entry.as_ref()?.value;
        (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
    }
}

fn check_regular_file(path: &Path) -> Result<(), MediaError> {
    let unreadable =
        |reason: &str| MediaError::Unreadable { path: path.to_path_buf(), reason: reason.into() };
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Err(unreadable("it is a directory")),
        Ok(meta) if !meta.is_file() => Err(unreadable("it is no regular file")),
        Ok(meta) if meta.len() == 0 => {
            Err(MediaError::NotMedia { path: path.to_path_buf(), reason: "the file is empty".into() })
        }
        Ok(_) => Ok(()),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Err(MediaError::NotFound { path: path.to_path_buf() })
        }
        Err(e) => Err(unreadable(&e.to_string())),
    }
}

fn open_error(path: PathBuf, code: i32) -> MediaError {
    let reason = error_text(code);
    if code == ff::AVERROR(libc::ENOENT) {
        MediaError::NotFound { path }
    } else if code == ff::AVERROR(libc::ENOMEM) {
        MediaError::OutOfMemory { what: "a demuxer" }
    } else if code == ff::AVERROR(libc::EINVAL) {
        // The answer for a format that is not on the list of containers.
        MediaError::NotMedia { path, reason: "no supported container format".into() }
    } else if [libc::EACCES, libc::EPERM, libc::EIO, libc::EMFILE, libc::ENFILE, libc::ESTALE]
        .iter()
        .any(|&e| code == ff::AVERROR(e))
    {
        MediaError::Unreadable { path, reason }
    } else {
        MediaError::NotMedia { path, reason }
    }
}

//! Size, pixel shape, bars, interlacing, depth, range, matrix and turn: what comes out is house format.

use crate::clips::{clip, generated, number_in, shape, turned};
use retrovue_codec::{AssetReader, MediaError, OutputShape, Picture, PictureStatus};
use retrovue_timebase::{FrameRate, Millis};
use std::path::Path;

fn hd() -> OutputShape {
    OutputShape { width: 1280, height: 720, ..shape(25, 1) }
}

fn picture_at(path: &Path, shape: &OutputShape, in_point: i64) -> Picture {
    let mut reader = AssetReader::open(path, shape).unwrap();
    reader.start_at(Millis(in_point)).unwrap();
    let mut picture = Picture::empty();
    assert_eq!(reader.picture(0, &mut picture).unwrap(), PictureStatus::New);
    assert_eq!((picture.width(), picture.height()), (shape.width, shape.height));
    picture
}

fn pixel(picture: &Picture, x: usize, y: usize) -> (u8, u8, u8) {
    let at = |plane: usize, x: usize, y: usize| {
        let (data, stride) = picture.plane(plane);
        data[y * stride + x]
    };
    (at(0, x, y), at(1, x / 2, y / 2), at(2, x / 2, y / 2))
}

fn near(a: (u8, u8, u8), b: (u8, u8, u8), by: u8) -> bool {
    a.0.abs_diff(b.0) <= by && a.1.abs_diff(b.1) <= by && a.2.abs_diff(b.2) <= by
}

const BLACK: (u8, u8, u8) = (16, 128, 128);

/// Bars exactly black outside the rectangle, picture inside.
fn check_bars(
    name: &str,
    picture: &Picture,
    (x, y, w, h): (usize, usize, usize, usize),
    inside: (u8, u8, u8),
) {
    for py in 0..picture.height() as usize {
        for px in 0..picture.width() as usize {
            let within = (x..x + w).contains(&px) && (y..y + h).contains(&py);
            let found = pixel(picture, px, py);
            if within {
                assert!(near(found, inside, 4), "{name}: ({px}, {py}) is {found:?}");
            } else {
                assert_eq!(found, BLACK, "{name}: ({px}, {py})");
            }
        }
    }
}

fn plain(name: &str, size: &str, filters: &str, codec: &[&str]) -> std::path::PathBuf {
    let source = format!("color=c=0x808080:s={size}:r=25:d=0.4");
    generated(name, &[&["-f", "lavfi", "-i", &source, "-vf", filters][..], codec].concat())
}

const X264: [&str; 4] = ["-c:v", "libx264", "-qp", "0"];

#[test]
fn shapes_are_kept_with_exactly_black_bars() {
    for (name, size, filters, place) in [
        ("four-three.mp4", "640x480", "null", (160, 0, 960, 720)),
        ("pal.mp4", "720x576", "setsar=16/15", (160, 0, 960, 720)),
        ("scope.mp4", "1920x800", "null", (0, 92, 1280, 534)),
        ("upright.mp4", "406x720", "null", (436, 0, 406, 720)),
        ("odd.mkv", "640x360", "format=yuv444p,scale=853:481,setsar=1", (2, 0, 1276, 720)),
        ("pal-wide.mp4", "720x576", "setsar=64/45", (0, 0, 1280, 720)),
    ] {
        let path = plain(name, size, filters, &X264);
        check_bars(name, &picture_at(&path, &hd(), 0), place, (126, 128, 128));
    }
}

#[test]
fn a_scaled_picture_shows_the_same_frame() {
    let path = clip("plain.mp4", 50, "25", &[], &["-c:v", "libx264", "-g", "25"]);
    for house in [(1280, 720), (160, 90), (640, 480), (100, 180)] {
        let shape = OutputShape { width: house.0, height: house.1, ..shape(25, 1) };
        let (w, h) = (house.0 as usize, house.1 as usize);
        let (fw, fh) = if w * 9 > h * 16 { (h * 16 / 9, h) } else { (w, w * 9 / 16) };
        let place = ((w - fw) / 2, (h - fh) / 2, fw, fh);
        for frame in [0, 13, 37] {
            let picture = picture_at(&path, &shape, frame as i64 * 40);
            assert_eq!(number_in(&picture, place), frame, "{house:?}");
        }
    }
}

/// White, red and blue as they must come out at this size, from any source format.
fn check_colours(path: &Path, house: (u32, u32), tolerance: u8) {
    let shape = OutputShape {
        width: house.0,
        height: house.1,
        rate: FrameRate::new(25, 1).unwrap(),
        audio_language: None,
    };
    let picture = picture_at(path, &shape, 0);
    let (w, h) = (house.0 as usize, house.1 as usize);
    let (red, blue) =
        if house.1 >= 720 { ((63, 102, 240), (32, 240, 118)) } else { ((81, 90, 240), (41, 240, 110)) };
    for (third, wanted) in [(0, (235, 128, 128)), (1, red), (2, blue)] {
        let found = pixel(&picture, w / 6 + third * w / 3, h / 2);
        assert!(
            near(found, wanted, tolerance),
            "{path:?} at {house:?}, third {third}: {found:?}, not {wanted:?}"
        );
    }
}

/// A picture of three upright stripes, RGB white, red and blue.
fn stripes(name: &str, size: &str, filters: &str, codec: &[&str]) -> std::path::PathBuf {
    let source = format!(
        "color=c=white:s={size}:r=25:d=0.4,format=gbrp,drawbox=x=iw/3:w=iw/3:h=ih:c=red:t=fill,\
         drawbox=x=iw*2/3:w=iw/3+1:h=ih:c=blue:t=fill"
    );
    generated(name, &[&["-f", "lavfi", "-i", &source, "-vf", filters][..], codec].concat())
}

#[test]
fn colours_come_out_right_from_every_source_format() {
    let sd = "scale=out_color_matrix=bt601:out_range=tv";
    let hd = "scale=out_color_matrix=bt709:out_range=tv";
    let mut files = Vec::new();
    for (name, size, filters, more) in [
        ("sd.mkv", "640x360", format!("{sd},format=yuv420p"), &["-colorspace", "smpte170m"][..]),
        ("sd-silent.mkv", "640x360", format!("{sd},format=yuv420p"), &[]),
        ("hd.mkv", "1280x720", format!("{hd},format=yuv420p"), &["-colorspace", "bt709"]),
        ("hd-silent.mkv", "1280x720", format!("{hd},format=yuv420p"), &[]),
        ("ten.mkv", "1280x720", format!("{hd},format=yuv420p10le"), &["-colorspace", "bt709"]),
        ("four22.mkv", "1280x720", format!("{hd},format=yuv422p10le"), &["-colorspace", "bt709"]),
        ("four44.mkv", "1280x720", format!("{hd},format=yuv444p"), &["-colorspace", "bt709"]),
        (
            "full.mkv",
            "1280x720",
            "scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p".into(),
            &["-colorspace", "bt709", "-color_range", "pc"],
        ),
        (
            "full10.mkv",
            "1280x720",
            "scale=out_color_matrix=bt709:out_range=pc,format=yuv420p10le".into(),
            &["-colorspace", "bt709", "-color_range", "pc"],
        ),
        (
            "wide.mkv",
            "1280x720",
            "scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le".into(),
            &["-colorspace", "bt2020nc"],
        ),
    ] {
        files.push(stripes(name, size, &filters, &[&["-c:v", "libx264", "-qp", "1"], more].concat()));
    }
    files.push(stripes("rgb.mkv", "1280x720", "format=gbrp", &["-c:v", "ffv1"]));
    files.push(stripes("rgb.avi", "640x360", "format=bgr24", &["-c:v", "rawvideo"]));
    files.push(stripes("palette.mkv", "640x360", "format=rgb24", &["-c:v", "png"]));
    let av1 = ["-c:v", "libsvtav1", "-preset", "12", "-crf", "10", "-colorspace", "bt709"];
    files.push(stripes("ten-av1.mkv", "1280x720", &format!("{hd},format=yuv420p10le"), &av1));
    for path in &files {
        for house in [(1280, 720), (640, 360), (1920, 1080)] {
            check_colours(path, house, 4);
        }
    }
}

#[test]
fn a_turned_film_is_turned() {
    // Upright on the shelf: white left, blue right once turned.
    let source = stripes("turn-me.mp4", "640x360", "format=yuv420p", &["-c:v", "libx264", "-qp", "1"]);
    for (degrees, expected) in [(0, (0, 1)), (180, (2, 1))] {
        let path = turned(&source, degrees);
        let shape = OutputShape { width: 640, height: 360, ..hd() };
        let picture = picture_at(&path, &shape, 0);
        let white = pixel(&picture, 106 + expected.0 * 213, 180);
        assert!(near(white, (235, 128, 128), 4), "{degrees}: {white:?}");
    }
    // A quarter turn. The left edge goes to the bottom for 90, counter-clockwise.
    for (degrees, white_y) in [(90, 300), (270, 60)] {
        let path = turned(&source, degrees);
        let shape = OutputShape { width: 640, height: 360, ..hd() };
        let picture = picture_at(&path, &shape, 0);
        let centre = pixel(&picture, 320, white_y);
        assert!(near(centre, (235, 128, 128), 4), "{degrees}: {centre:?}");
        assert_eq!(pixel(&picture, 200, 180), BLACK, "{degrees}: bars left and right");
        assert_eq!(pixel(&picture, 440, 180), BLACK);
    }
}

/// Lines of alternating brightness between fields vanish; the frames stay where they were.
#[test]
fn interlaced_film_is_deinterlaced_in_place() {
    // Two films woven, black and white, changing places at each frame.
    let woven = "color=c=black:s=320x180:r=25:d=1,format=yuv420p,geq=lum='if(mod(Y+N,2),16,235)':cb=128:cr=128,\
                 setfield=tff";
    for (name, codec) in [
        ("woven.ts", &["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "1"][..]),
        ("woven.mkv", &["-c:v", "libx264", "-x264-params", "tff=1", "-qp", "1"]),
    ] {
        let path = generated(name, &[&["-f", "lavfi", "-i", woven], codec].concat());
        let mut reader = AssetReader::open(&path, &shape(25, 1)).unwrap();
        let mut picture = Picture::empty();
        for in_point in [0, 400] {
            reader.start_at(Millis(in_point)).unwrap();
            for j in 0..10 {
                assert_eq!(reader.picture(j, &mut picture).unwrap(), PictureStatus::New);
            }
            // A comb has differences of 219 between neighbouring lines.
            let comb =
                (40..140).map(|y| pixel(&picture, 160, y).0.abs_diff(pixel(&picture, 160, y + 1).0)).max();
            assert!(comb.unwrap() < 60, "{name}: neighbouring lines differ by {comb:?}");
        }
    }
    let path = clip(
        "fields.ts",
        60,
        "25",
        &[],
        &[
            "-vf",
            "setfield=tff",
            "-c:v",
            "mpeg2video",
            "-flags",
            "+ildct+ilme",
            "-q:v",
            "3",
            "-g",
            "12",
            "-bf",
            "2",
        ],
    );
    for in_point in [0, 281, 1_000, 2_199] {
        let mut reader = AssetReader::open(&path, &shape(25, 1)).unwrap();
        reader.start_at(Millis(in_point)).unwrap();
        let mut picture = Picture::empty();
        for j in 0..60 {
            let wanted = (in_point + 1 + j * 40) / 40;
            match reader.picture(j, &mut picture).unwrap() {
                PictureStatus::End => {
                    assert_eq!(wanted, 60, "the last frame is shown");
                    break;
                }
                _ => assert_eq!(number_in(&picture, (0, 0, 320, 180)) as i64, wanted, "from {in_point}, {j}"),
            }
        }
    }
}

#[test]
fn the_same_film_gives_the_same_pictures() {
    let path = generated(
        "noise.mkv",
        &["-f", "lavfi", "-i", "testsrc2=s=720x576:r=25:d=1,setsar=16/15", "-c:v", "libx264", "-qp", "10"],
    );
    let run = || {
        let mut reader = AssetReader::open(&path, &hd()).unwrap();
        let mut picture = Picture::empty();
        let mut all = Vec::new();
        for j in 0..25 {
            reader.picture(j, &mut picture).unwrap();
            for plane in 0..3 {
                let (data, stride) = picture.plane(plane);
                let width = if plane == 0 { 1280 } else { 640 };
                data.chunks(stride).for_each(|row| all.extend_from_slice(&row[..width]));
            }
        }
        all
    };
    assert!(run() == run());
}

#[test]
fn impossible_house_formats_are_refused() {
    let path = clip("plain.mp4", 50, "25", &[], &["-c:v", "libx264", "-g", "25"]);
    for (width, height) in [(0, 720), (1279, 720), (1280, 100_000)] {
        let shape = OutputShape { width, height, ..hd() };
        assert!(
            matches!(AssetReader::open(&path, &shape), Err(MediaError::Config { .. })),
            "{width}x{height}"
        );
    }
}

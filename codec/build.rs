//! Tells the crate what the libav it is built against can do, as its bindings found out.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(coded_side_data)");
    // From FFmpeg 6.1 on a stream's side data is that of its codec parameters.
    if std::env::var("DEP_FFMPEG_FFMPEG_6_1").is_ok_and(|value| value == "true") {
        println!("cargo::rustc-cfg=coded_side_data");
    }
}

//! Throughput of the stream checker, every check and the T-STD on, over a hundred megabytes.

#[path = "../../analyser/tests/stream/writer.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "written for tests; not all of it is needed here")]
mod writer;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use retrovue_analyser::{Analyser, Options, Report};
use std::hint::black_box;
use writer::{Audio, MS, Packet, Plan, SECOND, Video};

/// 11.28 Mb/s with pictures of 7.6 Mb/s and sound, 100 MB of them. Pictures hold noise, as coded ones do, without
/// two zero bytes in a row.
fn stream() -> Vec<Packet> {
    let video = Video { level: 40, hrd: None, bytes: 38_000, early: 300 * MS };
    // Sound must not wait behind a whole picture.
    let audio = Audio { bytes: 160, early: 80 * MS };
    let mut packets = Plan { video, audio, ..Plan::fast(71 * SECOND) }.packets();
    let mut noise = 1u64;
    for packet in packets.iter_mut().filter(|p| p[1..3] == [1, 0] && p[3] & 0x30 == 0x10) {
        for n in 4..188 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let byte = (noise >> 56) as u8;
            packet[n] = if byte == 0 && packet[n - 1] == 0 { 1 } else { byte };
        }
    }
    packets
}

fn check(bytes: &[u8]) -> Report {
    let mut analyser = Analyser::new(Options::default());
    bytes.chunks(1 << 18).for_each(|piece| analyser.push(piece));
    analyser.finish()
}

fn analyse(c: &mut Criterion) {
    let stream = stream();
    let bytes = stream.as_flattened();
    let report = check(bytes);
    assert!(report.is_clean(), "{report}");
    let mut group = c.benchmark_group("analyse");
    group.throughput(Throughput::BytesDecimal(bytes.len() as u64)).sample_size(20);
    group.bench_function("check", |b| b.iter(|| check(black_box(bytes))));
    group.finish();
}

criterion_group!(benches, analyse);
criterion_main!(benches);

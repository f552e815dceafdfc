//! Throughput of the stream checker, every check and the T-STD on, over a hundred megabytes.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use retrovue_bench::checking::{check, stream};
use std::hint::black_box;

fn analyse(c: &mut Criterion) {
    let stream = stream(71);
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

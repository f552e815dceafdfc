//! Time per packet of the muxer beside a plain copy of the same bytes. Throughput is given in packets.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use retrovue_bench::muxing::Programme;

fn packets(c: &mut Criterion) {
    let programme = Programme::new();
    let mut buffer = vec![0u8; 188 * 64];
    let mut group = c.benchmark_group("packets");
    group.throughput(Throughput::Elements(programme.copy(&mut buffer) as u64));
    group.bench_function("copy", |b| b.iter(|| programme.copy(&mut buffer)));
    group.throughput(Throughput::Elements(programme.mux(&mut buffer) as u64));
    group.bench_function("mux-vbr", |b| b.iter(|| programme.mux(&mut buffer)));
    group.finish();
}

criterion_group!(benches, packets);
criterion_main!(benches);

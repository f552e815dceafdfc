fn main() {
    let f = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let t = std::time::Instant::now();
    let mut a = retrovue_analyser::Analyser::new(retrovue_analyser::Options {
        dvb: false,
        plot: std::env::args().len() > 2,
    });
    for c in f.chunks(65536) {
        a.push(c);
    }
    let r = a.finish();
    eprintln!("{} MB/s", f.len() as f64 / t.elapsed().as_secs_f64() / 1e6);
    print!("{r}");
    if let Some(p) = std::env::args().nth(2) {
        std::fs::write(p, r.svg().unwrap()).unwrap();
    }
}

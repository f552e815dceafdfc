//! Generates the message types; protox stands in for `protoc`, so no system package is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=control.proto");
    let files = protox::compile(["control.proto"], ["."])?;
    prost_build::Config::new().btree_map(["."]).compile_fds(files)?;
    Ok(())
}

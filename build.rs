//! Finds the C library of the embedded speech recogniser.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "pocketsphinx")]
    link_pocketsphinx();
}

#[cfg(feature = "pocketsphinx")]
fn link_pocketsphinx() {
    if let Err(error) = pkg_config::probe_library("pocketsphinx") {
        eprintln!(
            "The feature `pocketsphinx` needs the library libpocketsphinx: {error}\n\n\
             Debian, Ubuntu:  apt-get install pkg-config libpocketsphinx-dev pocketsphinx-en-us\n\
             Without it:      cargo build --no-default-features --features cli,webrtc-vad"
        );
        std::process::exit(1);
    }
}

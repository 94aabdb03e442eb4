//! The readers of glibc and musl: `tests/harness/readers/read.c`, linked statically to
//! either, so that they run in any image, also in an empty one.

use super::{Call, Container, source};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Linked to musl as Rust brings it: Debian's has no crypt(3).
const MUSL: &str = r#"
target=$(uname -m)-unknown-linux-musl
std=$(rustc --print target-libdir --target "$target")/self-contained
[ -f "$std/libc.a" ] || { echo "no musl for Rust: rustup target add $target" >&2; exit 1; }
command -v musl-gcc >/dev/null || { echo 'no musl-gcc: apt-get install musl-tools' >&2; exit 1; }
musl-gcc -Wall -Wextra -O1 -fno-pie -c -o "$2.o" "$1"
gcc -nostdlib -static -no-pie -o "$2" "$std/crt1.o" "$std/crti.o" "$2.o" "$std/libc.a" -lgcc "$std/crtn.o"
rm "$2.o"
"#;
/// The linker warns that NSS modules are loaded at run time; without
/// nsswitch.conf, or with only `files` in it, none is.
const GLIBC: &str = r#"gcc -Wall -Wextra -O1 -static -o "$2" "$1" -lcrypt"#;

/// Compiles it to a path that is the same for all runs, by rename: another run
/// never copies half a file.
#[track_caller]
fn build(name: &str, script: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let new = path.with_extension(std::process::id().to_string());
    Call::new("sh")
        .args(["-ec", script, "sh"])
        .args([&source("tests/harness/readers/read.c"), &new])
        .ok();
    std::fs::rename(new, &path).unwrap();
    path
}

pub(crate) fn musl() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("read-musl", MUSL))
}

pub(crate) fn glibc() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("read-glibc", GLIBC))
}

impl Container {
    /// An account as both libcs read it, which is the same: its lines, and
    /// `right` or `wrong` for each password.
    #[track_caller]
    pub(crate) fn reads(&self, name: &str, passwords: &[&str]) -> String {
        let input = passwords.join("\n");
        let [musl, glibc] = ["read-musl", "read-glibc"].map(|reader| {
            let call = self.exec([&format!("/usr/local/bin/{reader}"), name]);
            call.input(input.clone()).ok().stdout
        });
        assert_eq!(
            musl, glibc,
            "musl and glibc read different things of '{name}'"
        );
        musl
    }
}

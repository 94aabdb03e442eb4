//! Images that are not occ's own, with occ-init in them: Debian, busybox alone,
//! and nothing at all.

use super::{BUILD, docker, occ_init, occ_init_for_arm64, readers, run};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;

/// Images that occ builds on, best first.
const BASES: [&str; 2] = ["debian:bookworm-slim", "occ-base:bookworm"];
const OCC_INIT: &str =
    "COPY occ-init /usr/local/bin/\nENTRYPOINT [\"/usr/local/bin/occ-init\", \"--\"]";
const READERS: &str = "COPY read-musl read-glibc /usr/local/bin/";

/// The four files of an image that brings its own; a group of the image's that
/// has a member, and an account of its own below the people's uids.
const FOUR: [(&str, &str); 4] = [
    (
        "passwd",
        "root:x:0:0:root:/root:/bin/sh\n# the image's own\nftp:x:21:21::/var/lib/ftp:/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    ),
    (
        "shadow",
        "root:*::0:::::\nftp:!::0:::::\nnobody:!::0:::::\n",
    ),
    (
        "group",
        "root:x:0:root\naudio:x:18:ftp\nftp:x:21:\nnobody:x:65534:\n",
    ),
    (
        "gshadow",
        "root:*::root\naudio:!::ftp\nftp:!::\nnobody:!::\n",
    ),
];

/// A file of a build context.
pub(crate) struct File {
    name: String,
    content: Vec<u8>,
    mode: u32,
}

impl File {
    pub(crate) fn new(name: &str, content: &str, mode: u32) -> Self {
        Self {
            name: name.to_owned(),
            content: content.into(),
            mode,
        }
    }

    pub(crate) fn at(path: impl AsRef<Path>, mode: u32) -> Self {
        let path = path.as_ref();
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            content: std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
            mode,
        }
    }

    fn write(&self, directory: &Path) {
        let path = directory.join(&self.name);
        std::fs::write(&path, &self.content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(self.mode)).unwrap();
    }
}

fn four() -> Vec<File> {
    let mode = |name: &str| {
        if name.ends_with("shadow") {
            0o600
        } else {
            0o644
        }
    };
    let file = |(name, text)| File::new(name, text, mode(name));
    FOUR.map(file).into()
}

/// The base of Debian that occ builds on; `run` has made sure of one.
fn base() -> &'static str {
    let here = |image: &&str| docker(["image", "inspect", image]).run().code == Some(0);
    run();
    BASES
        .into_iter()
        .find(here)
        .expect("occ has built on one of them")
}

/// An image of this run alone, with occ-init and both readers, from a Dockerfile
/// and files that each have their own name in the context.
#[track_caller]
pub(crate) fn image(name: &str, dockerfile: &str, files: &[File]) -> String {
    image_with(&occ_init(), name, dockerfile, files)
}

/// The same with another occ-init than that of this run.
#[track_caller]
fn image_with(occ_init: &Path, name: &str, dockerfile: &str, files: &[File]) -> String {
    let tag = format!("{}-{name}", run().image);
    let context = tempfile::tempdir().unwrap();
    let programs = [occ_init, readers::musl(), readers::glibc()];
    let programs = programs.map(|path| File::at(path, 0o755));
    for file in files.iter().chain(&programs) {
        file.write(context.path());
    }
    let text = format!("{dockerfile}\n{READERS}\n{OCC_INIT}\n");
    build(&tag, &text, context.path());
    tag
}

#[track_caller]
fn build(tag: &str, dockerfile: &str, context: &Path) {
    std::fs::write(context.join("Dockerfile"), dockerfile).unwrap();
    docker(["build", "--quiet", "--tag", tag])
        .args([context])
        .env("DOCKER_BUILDKIT", "0")
        .within(BUILD)
        .ok();
}

/// An image of this run alone from a whole Dockerfile, beside which occ-init and the files
/// are. Debian is the base that is here. What comes before occ-init stays for the next run.
#[track_caller]
pub(crate) fn whole(name: &str, dockerfile: &str, files: &[File]) -> String {
    let tag = format!("{}-{name}", run().image);
    let context = tempfile::tempdir().unwrap();
    let text = dockerfile.replace(BASES[0], base());
    let (before, _) = text.split_once("COPY occ-init").unwrap();
    build(&format!("occe2e:kept-{name}"), before, context.path());
    for file in files.iter().chain(&[File::at(occ_init(), 0o755)]) {
        file.write(context.path());
    }
    build(&tag, &text, context.path());
    tag
}

/// Debian's base with packages. It stays for the next run, whose engine finds
/// its layers as long as base and packages are the same.
#[track_caller]
pub(crate) fn with_packages(name: &str, packages: &str) -> String {
    let tag = format!("occe2e:kept-{name}");
    let install = format!(
        "FROM {}\nRUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
         --no-install-recommends {packages} && rm -rf /var/lib/apt/lists/* /var/cache/apt/*\n",
        base()
    );
    docker(["build", "--quiet", "--tag", &tag, "-"])
        .env("DOCKER_BUILDKIT", "0")
        .input(install)
        .within(BUILD)
        .ok();
    tag
}

/// Debian's base and nothing more.
pub(crate) fn debian() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let dockerfile = format!("FROM {}\nCMD [\"sleep\", \"infinity\"]", base());
        image("debian", &dockerfile, &[])
    })
}

/// An image of somebody's, on Debian, without occ-init.
#[track_caller]
pub(crate) fn yours(dockerfile: &str, files: &[File]) -> String {
    let tag = format!("{}-yours", run().image);
    let context = tempfile::tempdir().unwrap();
    for file in files {
        file.write(context.path());
    }
    let text = dockerfile.replace(BASES[0], base());
    build(&tag, &text, context.path());
    tag
}

/// Debian's base with occ-init for arm64.
pub(crate) fn debian_with_arm64() -> String {
    let dockerfile = format!("FROM {}\nCMD [\"sleep\", \"infinity\"]", base());
    image_with(&occ_init_for_arm64(), "arm64", &dockerfile, &[])
}

/// busybox and no tools of shadow. Its su is setuid, in a copy, as in Alpine.
pub(crate) fn busybox() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let from = with_packages("busybox", "busybox-static");
        let dockerfile = format!(
            "FROM {from} AS debian\n\
             FROM scratch\n\
             COPY --from=debian /bin/busybox /bin/busybox\n\
             COPY passwd shadow group gshadow /etc/\n\
             RUN [\"/bin/busybox\", \"mkdir\", \"-p\", \"/sbin\", \"/usr/bin\", \"/usr/sbin\", \"/root\"]\n\
             RUN [\"/bin/busybox\", \"--install\", \"-s\"]\n\
             RUN cp /bin/busybox /bin/busybox.su && chmod 4755 /bin/busybox.su && ln -sf busybox.su /bin/su\n\
             CMD [\"sleep\", \"1000000\"]"
        );
        image("busybox", &dockerfile, &four())
    })
}

/// The four files and nothing else, not even a shell.
pub(crate) fn four_files() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let dockerfile = "FROM scratch\nCOPY passwd shadow group gshadow /etc/\nCMD [\"/usr/local/bin/read-musl\", \"--wait\"]";
        image("four", dockerfile, &four())
    })
}

/// Not even those.
pub(crate) fn nothing() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let dockerfile = "FROM scratch\nCMD [\"/usr/local/bin/read-musl\", \"--wait\"]";
        image("nothing", dockerfile, &[])
    })
}

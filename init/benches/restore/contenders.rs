//! Who restores: `occ-init` in three situations, and what else there is.
//!
//! All get the same people with the same uids in the same account files of a
//! Debian that has none of them, as after an image update.

use crate::tree::{Person, Tree, people, write};
use bench::{Contender, Cost, Error, io, run};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As the rows of the table are called.
pub(crate) const PRESENT: &str = "occ-init, homes there";
pub(crate) const UNCHANGED: &str = "occ-init, nothing changed";
pub(crate) const FRESH: &str = "occ-init, fresh homes";
pub(crate) const BARE: &str = "bare homes in C";
pub(crate) const SYSUSERS: &str = "systemd-sysusers";
pub(crate) const NEWUSERS: &str = "newusers";
pub(crate) const LOOP: &str = "useradd loop";

/// Everything that `newusers` and the loop write, on the tree instead of the
/// machine: they know no root directory but one with a whole Debian in it. The
/// homes are there, as they are for us.
const ON_TREE: &str = r#"
for place in etc var/log var/mail; do mount --bind "$TREE/$place" "/$place" || exit; done
mount --bind "$HOMES" /home || exit
"#;
/// What a container's entry point does that has to bring its people back.
const USERADD: &str = r#"
while IFS=: read -r name uid hash; do
  useradd -m -s /bin/bash -u "$uid" "$name" 2>/dev/null &&
    usermod -p "$hash" "$name" && passwd -u "$name" || exit
done < "$PEOPLE"
"#;

/// One restore by `occ-init`, with a stable disk before it: what the kernel still
/// has to write from earlier would be waited for by the next fsync.
fn restore(occ_init: &Path, tree: &Tree, count: u32) -> Result<Cost, Error> {
    settle(tree)?;
    let root = ["--root".as_ref(), tree.root.as_os_str()];
    let cost = run(Command::new(occ_init).args(root).args(["-q", "restore"]))?;
    tree.must_hold(count)?;
    Ok(cost)
}

pub(crate) fn fresh<'a>(
    occ_init: &'a Path,
    tree: &'a Tree,
    count: u32,
    rounds: usize,
) -> Contender<'a> {
    Contender::new(FRESH, rounds, move || {
        tree.reset()?;
        tree.clear_homes()?;
        restore(occ_init, tree, count)
    })
}

/// Compiles `homes.c` into `place`.
pub(crate) fn compile_bare(place: &Path) -> Result<PathBuf, Error> {
    let program = place.join("homes");
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-o"]).arg(&program);
    cc.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/benches/restore/homes.c"
    ));
    run(&mut cc)?;
    Ok(program)
}

/// As many homes as `fresh` makes, and nothing else.
pub(crate) fn bare<'a>(
    program: &'a Path,
    tree: &'a Tree,
    count: u32,
    rounds: usize,
) -> Contender<'a> {
    Contender::new(BARE, rounds, move || {
        tree.clear_homes()?;
        settle(tree)?;
        let places = [tree.path("home"), tree.path("etc/skel")];
        run(Command::new(program).args(places).arg(count.to_string()))
    })
}

pub(crate) fn present<'a>(
    occ_init: &'a Path,
    tree: &'a Tree,
    count: u32,
    rounds: usize,
) -> Contender<'a> {
    Contender::new(PRESENT, rounds, move || {
        tree.reset()?;
        restore(occ_init, tree, count)
    })
}

/// Comes after one of the others; a write is an error.
pub(crate) fn unchanged<'a>(
    occ_init: &'a Path,
    tree: &'a Tree,
    count: u32,
    rounds: usize,
) -> Contender<'a> {
    Contender::new(UNCHANGED, rounds, move || {
        let before = tree.state()?;
        let cost = restore(occ_init, tree, count)?;
        if tree.state()? == before {
            Ok(cost)
        } else {
            Err(Error::Other("a restore that changes nothing wrote".into()))
        }
    })
}

/// Makes no homes and sets no passwords.
pub(crate) fn sysusers<'a>(
    program: &'a Path,
    tree: &'a Tree,
    count: u32,
    rounds: usize,
) -> Result<Contender<'a>, Error> {
    let line = |person: Person| {
        let (name, uid) = (person.name, person.uid);
        format!("u {name} {uid} \"A. Person\" /home/{name} /bin/bash\n")
    };
    let config = tree.root.join("people.conf");
    write(
        &config,
        people(count).map(line).collect::<String>().as_bytes(),
        0o644,
    )?;
    Ok(Contender::new(SYSUSERS, rounds, move || {
        tree.reset()?;
        settle(tree)?;
        let root = format!("--root={}", tree.root.display());
        let cost = run(Command::new(program).arg(root).arg(&config))?;
        tree.must_hold(count)?;
        Ok(cost)
    }))
}

/// Hashes each password itself, as it takes none that is hashed.
pub(crate) fn newusers<'a>(
    tree: &'a Tree,
    homes: &'a Tree,
    count: u32,
    rounds: usize,
) -> Contender<'a> {
    let line = |person: Person| {
        let (name, uid) = (person.name, person.uid);
        format!("{name}:secret-{name}:{uid}:{uid}:A. Person:/home/{name}:/bin/bash\n")
    };
    let text: String = people(count).map(line).collect();
    Contender::new(
        NEWUSERS,
        rounds,
        on_tree(tree, homes, count, text, "newusers \"$PEOPLE\""),
    )
}

/// One process a person and tool; each reads and writes all files.
pub(crate) fn useradd<'a>(
    tree: &'a Tree,
    homes: &'a Tree,
    count: u32,
    rounds: usize,
) -> Contender<'a> {
    let line = |person: Person| format!("{}:{}:{}\n", person.name, person.uid, person.hash);
    let text: String = people(count).map(line).collect();
    Contender::new(LOOP, rounds, on_tree(tree, homes, count, text, USERADD))
}

fn on_tree<'a>(
    tree: &'a Tree,
    homes: &'a Tree,
    count: u32,
    people: String,
    script: &str,
) -> impl FnMut() -> Result<Cost, Error> + 'a {
    let list = tree.root.join("people.list");
    let script = format!("{ON_TREE}{script}");
    move || {
        tree.reset()?;
        write(&list, people.as_bytes(), 0o600)?;
        settle(tree)?;
        let mut shell = Command::new("unshare");
        shell.args(["--mount", "sh", "-c", &script]);
        shell
            .env("TREE", &tree.root)
            .env("HOMES", homes.path("home"))
            .env("PEOPLE", &list);
        let cost = run(&mut shell)?;
        tree.must_hold(count)?;
        Ok(cost)
    }
}

/// Writes to the disk what is still in memory only.
fn settle(tree: &Tree) -> Result<(), Error> {
    let failed = |errno: nix::errno::Errno| io(&tree.root)(errno.into());
    let directory = open(&tree.root, OFlag::O_RDONLY, Mode::empty()).map_err(failed)?;
    nix::unistd::syncfs(directory).map_err(failed)
}

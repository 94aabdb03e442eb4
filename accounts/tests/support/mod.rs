//! What holds of every restore, whatever was there before; and readers as
//! sloppy as the worst libc.

use accounts::account::Username;
use accounts::files::{Etc, File, group, passwd, shadow, table};
use accounts::image::Image;
use accounts::reconcile::{Applied, Plan, decide, plan};
use accounts::record::Records;
use std::collections::BTreeSet;

/// Everything that a plan is made from.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) records: Records,
    pub(crate) etc: Etc,
    pub(crate) image: Image,
    pub(crate) applied: Applied,
}

/// Prints hashes too: those of tests.
impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for file in File::ALL {
            if let Some(content) = self.etc.get(file) {
                let lines = content.escape_ascii().to_string().replace("\\n", "\n  ");
                writeln!(f, "{}:\n  {lines}", file.name())?;
            }
        }
        writeln!(
            f,
            "{:#?}\n{:?}\n{:?}",
            self.records, self.applied, self.image
        )
    }
}

impl World {
    pub(crate) fn plan(&self) -> Plan {
        plan(&self.records, &self.etc, &self.image, &self.applied)
    }

    fn remembered(&self) -> Applied {
        let decision = decide(&self.records, &self.etc, &self.image, &self.applied);
        let json = decision.applied(&BTreeSet::new()).to_json().unwrap();
        Applied::parse(&json).unwrap()
    }

    /// The files after some of the writes.
    pub(crate) fn written<'a>(
        &self,
        writes: impl IntoIterator<Item = &'a (File, Vec<u8>)>,
    ) -> Self {
        let mut after = self.clone();
        for (file, content) in writes {
            after.etc.set(*file, content.clone());
        }
        after
    }

    /// The files after the whole plan, remembered.
    pub(crate) fn restored(&self, plan: &Plan) -> Self {
        let mut after = self.written(&plan.writes);
        after.applied = self.remembered();
        after
    }

    /// Names that a line may be ours by: not those of refused records.
    fn our_names(&self, plan: &Plan) -> BTreeSet<Vec<u8>> {
        let image = &self.image.accounts;
        let is_image =
            |name: &Username| name.is_reserved() || image.has_user(name) || image.has_group(name);
        let dead = self.records.tombstones.iter().map(|dead| dead.name.clone());
        let applied = self.applied.accounts.keys();
        let gone = dead.chain(applied.cloned());
        let names = plan
            .restored
            .iter()
            .cloned()
            .chain(gone.filter(|name| !is_image(name)));
        names
            .map(|name| name.as_str().as_bytes().to_vec())
            .collect()
    }
}

/// All that must hold of a plan and of what it leaves behind.
pub(crate) fn check(before: &World, plan: &Plan) -> Result<(), String> {
    let after = before.restored(plan);
    let again = after.plan();
    if !again.writes.is_empty() || after.remembered() != after.applied {
        return Err(format!("a second restore is not idle:\n{again}"));
    }
    foreign_lines_stay(before, &after, plan)?;
    restored_lines_are_sound(&after, plan)?;
    memberships_are_granted(&after, plan)?;
    no_root_is_gained(before, &after)
}

/// pwck(8) and grpck(8), for our own lines.
fn restored_lines_are_sound(after: &World, plan: &Plan) -> Result<(), String> {
    let uids = table::lines(after.etc.bytes(File::Passwd)).filter_map(passwd::name_and_uid);
    let gids = table::lines(after.etc.bytes(File::Group)).filter_map(group::name_and_gid);
    let ids: [Vec<u32>; 2] = [
        uids.map(|(_, uid)| uid).collect(),
        gids.map(|(_, gid)| gid).collect(),
    ];
    for name in &plan.restored {
        let account = &after.records.accounts[name];
        let id = account.uid.get();
        if ids
            .iter()
            .any(|ids| ids.iter().filter(|other| **other == id).count() != 1)
            || !after.image.is_mapped(id)
        {
            return Err(format!("'{name}' does not have {id} alone"));
        }
        for file in [File::Passwd, File::Shadow, File::Group, File::Gshadow] {
            let lines = lines_of(&after.etc, file, name.as_str().as_bytes());
            let [line] = lines.as_slice() else {
                if after.etc.get(file).is_none() && file == File::Gshadow {
                    continue;
                }
                return Err(format!(
                    "{} lines of '{name}' in {}",
                    lines.len(),
                    file.name()
                ));
            };
            let fields = table::fields(line);
            let uid = account.uid.to_string().into_bytes();
            let sound = match file {
                File::Passwd => {
                    fields.len() == 7 && fields[1] == b"x" && fields[2] == uid && fields[3] == uid
                }
                File::Shadow => is_sound_shadow(line, account.locked),
                File::Group => {
                    fields.len() == 4
                        && fields[1] == b"x"
                        && fields[2] == uid
                        && fields[3].is_empty()
                }
                _ => fields.len() == 4 && fields[1] == b"!" && fields[2..].concat().is_empty(),
            };
            if !sound || line.len() > 1022 || line.iter().any(u8::is_ascii_control) {
                return Err(format!("a bad line of '{name}' in {}", file.name()));
            }
        }
    }
    Ok(())
}

fn is_sound_shadow(line: &[u8], locked: bool) -> bool {
    let fields = table::fields(line);
    let [_, password, changed, _, _, _, _, expire, flag] = fields.as_slice() else {
        return false;
    };
    let open = !password.is_empty() && *changed != b"0" && *expire != b"0" && flag.is_empty();
    let shut = password.starts_with(b"!") && *expire == b"1";
    line.len() <= shadow::MAX_LINE
        && open
        && (password.starts_with(b"!") == locked)
        && (shut || !locked)
}

fn lines_of<'a>(etc: &'a Etc, file: File, name: &[u8]) -> Vec<&'a [u8]> {
    table::lines(etc.bytes(file))
        .filter(|line| table::name(line) == Some(name))
        .collect()
}

/// Every line under another name is there, the same and in order; of member
/// lists only what is not ours.
fn foreign_lines_stay(before: &World, after: &World, plan: &Plan) -> Result<(), String> {
    let ours = before.our_names(plan);
    for file in File::ALL {
        let foreign = |etc: &Etc| -> Vec<Vec<u8>> {
            let is_foreign =
                |line: &&[u8]| table::name(line).is_none_or(|name| !ours.contains(name));
            let lines = table::lines(etc.bytes(file)).filter(is_foreign);
            lines
                .map(|line| without_members(file, line, &ours))
                .collect()
        };
        if foreign(&before.etc) != foreign(&after.etc) {
            return Err(format!("a foreign line of {} changed", file.name()));
        }
    }
    image_lines_stay(before, after)
}

/// Lines of the image stay under any name.
fn image_lines_stay(before: &World, after: &World) -> Result<(), String> {
    let lines = |etc: &Etc| -> Vec<Vec<u8>> {
        let is_image = |line: &&[u8]| {
            passwd::name_and_uid(line).is_some_and(|(name, uid)| {
                before.image.accounts.owner_of(uid).map(str::as_bytes) == Some(name)
            })
        };
        table::lines(etc.bytes(File::Passwd))
            .filter(is_image)
            .map(<[u8]>::to_vec)
            .collect()
    };
    if lines(&before.etc) == lines(&after.etc) {
        Ok(())
    } else {
        Err("an account of the image changed".into())
    }
}

fn without_members(file: File, line: &[u8], ours: &BTreeSet<Vec<u8>>) -> Vec<u8> {
    let fields: Vec<&[u8]> = line.splitn(4, |&b| b == b':').collect();
    if !matches!(file, File::Group | File::Gshadow) || fields.len() != 4 {
        return line.to_vec();
    }
    let others = |list: &[u8]| -> Vec<Vec<u8>> {
        let members = list.split(|&b| b == b',').map(<[u8]>::trim_ascii_start);
        members
            .filter(|member| !member.is_empty() && !ours.contains(*member))
            .map(<[u8]>::to_vec)
            .collect()
    };
    let third = match file {
        File::Gshadow => others(fields[2]).join(&b','),
        _ => fields[2].to_vec(),
    };
    let fourth = others(fields[3]).join(&b',');
    [fields[0], fields[1], &third, &fourth].join(&b':')
}

/// No new line is uid 0 or gid 0: for glibc, or for musl, which takes an empty
/// number for 0, lets it overflow, and knows no comments.
fn no_root_is_gained(before: &World, after: &World) -> Result<(), String> {
    gains_no_root(before, after, sloppy_number)?;
    gains_no_root(before, after, glibc_number)
}

fn gains_no_root(
    before: &World,
    after: &World,
    number: fn(&[u8]) -> Option<u32>,
) -> Result<(), String> {
    for file in [File::Passwd, File::Group] {
        let roots = |etc: &Etc| -> BTreeSet<Vec<u8>> {
            let is_root = |line: &&[u8]| {
                let fields = table::fields(line);
                fields.get(2).is_some_and(|id| number(id) == Some(0))
                    || (file == File::Passwd
                        && fields.get(3).is_some_and(|id| number(id) == Some(0)))
            };
            let lines = table::lines(etc.bytes(file)).filter(is_root);
            let named: BTreeSet<Vec<u8>> =
                lines.map(|line| table::fields(line)[0].to_vec()).collect();
            named
        };
        if let Some(name) = roots(&after.etc).difference(&roots(&before.etc)).next() {
            return Err(format!(
                "'{}' is root for a libc in {}",
                name.escape_ascii(),
                file.name()
            ));
        }
    }
    Ok(())
}

/// glibc's strtou32: blanks and a sign before the digits, nothing behind them.
pub(crate) fn glibc_number(field: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse::<u64>().unwrap_or(u64::MAX);
    let value = if is_negative {
        value.wrapping_neg()
    } else {
        value
    };
    Some(u32::try_from(value).unwrap_or(u32::MAX))
}

/// musl's atou: digits until something else, modulo 2³².
pub(crate) fn sloppy_number(field: &[u8]) -> Option<u32> {
    field.iter().try_fold(0_u32, |sum, &b| {
        b.is_ascii_digit()
            .then(|| sum.wrapping_mul(10).wrapping_add(u32::from(b - b'0')))
    })
}

/// Ours are in exactly the groups that exist, that the record asks for and
/// that the image grants.
fn memberships_are_granted(after: &World, plan: &Plan) -> Result<(), String> {
    for name in &plan.restored {
        let asked = &after.records.accounts[name].member_of;
        for line in table::lines(after.etc.bytes(File::Group)) {
            let fields: Vec<&[u8]> = line.splitn(4, |&b| b == b':').collect();
            let (Some((group, _)), Some(members)) = (group::name_and_gid(line), fields.get(3))
            else {
                continue;
            };
            let group = String::from_utf8_lossy(group);
            let is_private = plan.restored.iter().any(|name| name.as_str() == group);
            let wanted = asked.iter().any(|asked| *asked == group)
                && after.image.groups_allow.allows(&group, name)
                && !is_private;
            let mut members = members.split(|&b| b == b',').map(<[u8]>::trim_ascii_start);
            if members.any(|member| member == name.as_str().as_bytes()) != wanted {
                return Err(format!("'{name}' and group '{group}': {wanted} is right"));
            }
        }
    }
    Ok(())
}

//! `occ user set`.

use accounts::wire::{AccountReply, Request};

use super::{check_names, may_have_changed, ssh_keys};
use crate::cli::Set;
use crate::error::Result;
use crate::occ_init::{self, switched_on};
use crate::session::Session;
use crate::ui::show::{self, Format};
use crate::ui::{interrupt, secret};

pub(super) async fn run(session: &Session, set: Set) -> Result<()> {
    let name = set.name.clone();
    check_names(std::slice::from_ref(&name))?;
    let request = Request {
        ssh_authorized_keys: set
            .ssh_key_file
            .as_deref()
            .map(ssh_keys::read)
            .transpose()?,
        added_ssh_authorized_keys: set.add_key.as_deref().map(ssh_keys::read).transpose()?,
        ..Request::default()
    };
    let has_keys = set.ssh_key_file.is_some() || set.add_key.is_some();
    let request = has_keys.then(|| secret::to_bytes(request)).transpose()?;
    let init = session.occ_init().await?;
    let _notice = interrupt::notice(may_have_changed(&name));
    let reply: AccountReply = init
        .call_with(flags(&set, has_keys), request.as_deref().map(Vec::as_slice))
        .await?;
    let done = if reply.changed {
        "changed"
    } else {
        "is so already"
    };
    session.screen.message(&format!("User '{name}' {done}."));
    if session.screen.format == Format::Json {
        show::json(&reply);
    }
    session.follow(|users| users.push(name));
    Ok(())
}

fn flags(set: &Set, request: bool) -> Vec<String> {
    let list = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
    let values = [
        ("comment", set.comment.clone()),
        ("shell", set.shell.clone()),
        ("groups", set.groups.as_deref().map(|names| names.join(","))),
        ("add-groups", list(&set.add_groups)),
        ("remove-groups", list(&set.remove_groups)),
        ("remove-key", set.remove_key.clone()),
        ("expires", set.expires.clone()),
    ];
    let values = values
        .into_iter()
        .filter_map(|(flag, value)| Some(format!("--{flag}={}", value?)));
    let values: Vec<String> = values.collect();
    let switches = [
        ("--must-change-password", set.must_change_password),
        ("--no-second-factor", set.no_second_factor),
        ("--request-stdin", request),
    ];
    let values = values.iter().map(String::as_str);
    occ_init::user(
        "set",
        values.chain(switched_on(switches)).chain([&*set.name]),
    )
}

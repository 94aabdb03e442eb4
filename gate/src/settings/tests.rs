use super::*;

#[test]
fn defaults() {
    let settings = Settings::from_options(&[]).unwrap();
    assert_eq!(settings.listen.to_string(), "0.0.0.0:3000");
    assert_eq!(settings.name, "opencode");
    assert!(settings.hosts.is_empty() && settings.trusted_proxies.is_empty());
    assert!(!settings.allow_setuid && settings.tokens && settings.bar);
    assert!(settings.second_step);
    assert_eq!(settings.log, Level::Info);
    assert_eq!(settings.idle.as_secs(), 1800);
    assert_eq!(settings.session_idle.as_secs(), 604_800);
    assert_eq!(settings.session_limit.as_secs(), 2_592_000);
    assert_eq!(settings.max_processes, 4096);
}

#[test]
fn all_set() {
    let settings = Settings::from_options(&[
        "--listen=[::]:8080",
        "--hosts=Code.Example.com, 10.0.0.1:3000",
        "--trusted-proxies=10.0.0.0/8 ::1",
        "--name=code",
        "--allow-setuid=1",
        "--tokens=0",
        "--session-idle=12h",
        "--session-limit=90s",
        "--idle=2d",
        "--max-processes=64",
        "--bar=0",
        "--second-step=0",
        "--log=debug",
    ])
    .unwrap();
    assert_eq!(settings.listen.port(), 8080);
    assert_eq!(settings.hosts, ["code.example.com", "10.0.0.1:3000"]);
    assert_eq!(settings.trusted_proxies.len(), 2);
    assert_eq!(settings.name, "code");
    assert!(settings.allow_setuid && !settings.tokens && !settings.bar);
    assert!(!settings.second_step);
    assert_eq!(settings.log, Level::Debug);
    assert_eq!(settings.session_idle.as_secs(), 43_200);
    assert_eq!(settings.session_limit.as_secs(), 90);
    assert_eq!(settings.idle.as_secs(), 172_800);
    assert_eq!(settings.max_processes, 64);
}

#[test]
fn each_option_has_its_variable() {
    let command = Settings::augment_args(Command::new("occ-gate"));
    for arg in command.get_arguments() {
        let name = arg.get_long().unwrap().to_uppercase().replace('-', "_");
        let variable = format!("{PREFIX}{name}");
        assert_eq!(arg.get_env(), Some(OsStr::new(&variable)));
        assert!(!is_unknown(&variable));
    }
    assert!(is_unknown("OCC_GATE_HOST"));
    assert!(!is_unknown("OCC_INIT_GRACE"));
}

#[test]
fn page_lists_every_setting_with_its_default() {
    let page = include_str!("../../../docs/login.md");
    let rows = page.lines().filter(|line| line.starts_with("| `OCC_GATE_"));
    let listed = rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let default = cells[2].trim_matches('`');
        let variable = cells[1].trim_matches('`').to_owned();
        (
            variable,
            if default == "none" { "" } else { default }.to_owned(),
        )
    });
    let command = Settings::augment_args(Command::new("occ-gate"));
    let ours = command.get_arguments().map(|arg| {
        let text = |value: Option<&OsStr>| value.unwrap_or_default().to_str().unwrap().to_owned();
        let default = arg
            .get_default_values()
            .first()
            .map(clap::builder::OsStr::as_os_str);
        (text(arg.get_env()), text(default))
    });
    assert_eq!(listed.collect::<Vec<_>>(), ours.collect::<Vec<_>>());
}

#[test]
fn unusable_value_is_named() {
    for (option, variable, value) in [
        ("listen", "LISTEN", "3000"),
        ("listen", "LISTEN", "localhost:3000"),
        ("allow-setuid", "ALLOW_SETUID", "yes"),
        ("bar", "BAR", "off"),
        ("log", "LOG", "error"),
        ("session-idle", "SESSION_IDLE", "30"),
        ("session-idle", "SESSION_IDLE", "0s"),
        ("session-idle", "SESSION_IDLE", "+1s"),
        ("session-idle", "SESSION_IDLE", "ü"),
        ("idle", "IDLE", "99999999999999999999d"),
        ("session-limit", "SESSION_LIMIT", "4000d"),
        ("max-processes", "MAX_PROCESSES", "1"),
        ("hosts", "HOSTS", "https://x"),
        ("trusted-proxies", "TRUSTED_PROXIES", "10.0.0.0/33"),
        ("trusted-proxies", "TRUSTED_PROXIES", "10.0.0.0/"),
        ("trusted-proxies", "TRUSTED_PROXIES", "10.0.0.0/-1"),
        ("trusted-proxies", "TRUSTED_PROXIES", "::/129"),
        ("trusted-proxies", "TRUSTED_PROXIES", "10.0.0/8"),
    ] {
        let error = Settings::from_options(&[&format!("--{option}={value}")]).unwrap_err();
        assert!(
            error.starts_with(&format!("invalid OCC_GATE_{variable} '{value}': must be ")),
            "{error}"
        );
    }
    let error = |option: &str| Settings::from_options(&[option]).unwrap_err();
    assert_eq!(
        error("--trusted-proxies=10.0.0.1,a"),
        "invalid OCC_GATE_TRUSTED_PROXIES 'a': must be addresses such as 10.0.0.2 or 10.0.0.0/8"
    );
    assert_eq!(
        error(&format!("--name={}", "x".repeat(65))),
        format!(
            "invalid OCC_GATE_NAME '{}': must be at most 64 bytes: it stands in the names of cookies",
            "x".repeat(65)
        )
    );
}

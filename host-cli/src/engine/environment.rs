//! The environment of a container, as a list of `NAME=VALUE`. Pure.

/// The names that the login answers to besides localhost's.
const HOSTS: &str = "OCC_GATE_HOSTS";

/// The value of a variable; of two, an engine takes the last.
pub(crate) fn get<'a>(environment: &'a [String], name: &str) -> Option<&'a str> {
    let mut values = environment.iter().filter_map(|variable| {
        let (other, value) = variable.split_once('=')?;
        (other == name).then_some(value)
    });
    values.next_back()
}

/// Sets a variable, in the place of any value it has.
pub(crate) fn set(environment: &mut Vec<String>, variable: &str) {
    unset(environment, name_of(variable));
    environment.push(variable.to_owned());
}

fn unset(environment: &mut Vec<String>, name: &str) {
    environment.retain(|other| name_of(other) != name);
}

fn name_of(variable: &str) -> &str {
    variable.split_once('=').map_or(variable, |(name, _)| name)
}

/// The names that the login answers to.
pub(crate) fn hosts(environment: &[String]) -> Vec<String> {
    let list = get(environment, HOSTS).unwrap_or_default();
    let names = list.split([',', ' ']).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Takes names of the login away and adds others; an empty list is no variable.
pub(crate) fn change_hosts(environment: &mut Vec<String>, gone: &[String], new: &[String]) {
    let mut names = hosts(environment);
    names.retain(|name| !gone.contains(name));
    for name in new {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        unset(environment, HOSTS);
    } else {
        set(environment, &format!("{HOSTS}={}", names.join(",")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_replaces_its_older_value_and_no_other() {
        let mut environment = ["A=1", "AB=2", "A=3"].map(str::to_owned).to_vec();
        assert_eq!(get(&environment, "A"), Some("3"));
        set(&mut environment, "A=x=y");
        assert_eq!(environment, ["AB=2", "A=x=y"]);
        assert_eq!(get(&environment, "A"), Some("x=y"));
        assert_eq!(get(&environment, "B"), None);
    }

    #[test]
    fn names_of_the_login_follow_and_those_of_a_person_stay() {
        let mut environment = vec!["OCC_GATE_HOSTS=code.example.com, 192.0.2.7:80".to_owned()];
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        change_hosts(
            &mut environment,
            &list(&["192.0.2.7:80"]),
            &list(&["192.0.2.7:81", "code.example.com"]),
        );
        assert_eq!(
            environment,
            ["OCC_GATE_HOSTS=code.example.com,192.0.2.7:81"]
        );
        let all = hosts(&environment);
        change_hosts(&mut environment, &all, &[]);
        assert!(environment.is_empty());
    }
}

//! Findings of `occ-init check`, with the commands of the host that fix them.

use super::report::Report;
use crate::engine::labels::STORE;
use crate::occ_init::{CheckReply, Finding, OccInit};
use crate::text;

pub(super) async fn look(report: &mut Report, init: &OccInit) {
    let args = ["check", "--json"].map(str::to_owned).to_vec();
    match init.call_on_lines::<CheckReply>(args, b"", 0).await {
        Ok(found) => {
            let typed = found.findings.into_iter().map(|mut finding| {
                finding.hint = init.typed(&finding.hint);
                finding
            });
            tell(report, &typed.collect::<Vec<_>>(), &init.container.name);
        }
        Err(error) => report.wrong("store", error.to_string(), error.hint()),
    }
}

fn tell(report: &mut Report, findings: &[Finding], container: &str) {
    if findings.is_empty() {
        report.fine(
            "store",
            "every record can be used, and /etc agrees with them",
        );
    }
    for finding in findings {
        let topic = match finding.kind.as_str() {
            "drift" => "drift",
            _ => "store",
        };
        report.wrong(topic, finding.message.clone(), mend(finding, container));
    }
}

fn mend(finding: &Finding, container: &str) -> String {
    let (container, name) = (text::word(container), text::word(&finding.name));
    match finding.kind.as_str() {
        "drift" => format!("`docker exec {container} occ-init restore`"),
        "hash" => format!("`occ user passwd {name}`"),
        "conflict" => format!("`occ user remove {name}`"),
        "record" => {
            let file = text::word(&format!("{STORE}/{}", finding.name)).into_owned();
            format!("`docker cp {container}:{file} .`, mend it, and copy it back")
        }
        _ => finding.hint.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_of_occ_init_gets_a_command_for_the_host() {
        let document = r#"{"schema":1,"findings":[
            {"kind":"drift","name":"al","message":"'al' differs","hint":"h"},
            {"kind":"record","name":"x.json","message":"no JSON","hint":"h"},
            {"kind":"unmapped","name":"bo","message":"uid","hint":"widen the maps"}]}"#;
        let found: CheckReply = serde_json::from_str(document).unwrap();
        let commands: Vec<_> = found.findings.iter().map(|one| mend(one, "box")).collect();
        assert_eq!(commands[0], "`docker exec box occ-init restore`");
        assert!(commands[1].contains("box:/var/lib/opencode-users/x.json"));
        assert_eq!(commands[2], "widen the maps");
        let mut report = Report::default();
        tell(&mut report, &found.findings, "box");
        let topics: Vec<_> = report.wrongs().iter().map(|(topic, _)| *topic).collect();
        assert_eq!(topics, ["drift", "store", "store"]);
    }
}

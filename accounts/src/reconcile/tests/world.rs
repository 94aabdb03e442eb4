//! Everything that a plan is made from: two accounts of the image, and what a test adds.

use crate::account::{Home, Shells, UidRange, Username};
use crate::files::{Etc, File};
use crate::image::{GroupsAllow, HomeBases, Image, ImageAccounts};
use crate::reconcile::{Applied, AppliedEntry, Plan, decide, plan};
use crate::record::{ParsedRecord, Part, Records, Rejected, Tombstone};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const HASH: &str = "$6$saltsaltsaltsalt$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

pub(crate) const PASSWD: &str =
    "root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/sh\n";
pub(crate) const SHADOW: &str = "root:*:20000:0:99999:7:::\nnode:!:20000:0:99999:7:::\n";
pub(crate) const GROUP: &str = "root:x:0:\nsudo:x:27:node\naudio:x:29:\nnode:x:1000:\n";
pub(crate) const GSHADOW: &str = "root:*::\nsudo:*::node\naudio:*::\nnode:!::\n";

pub(crate) struct World {
    pub(crate) records: Records,
    pub(crate) etc: Etc,
    pub(crate) image: Image,
    pub(crate) applied: Applied,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut etc = Etc::default();
        etc.set(File::Passwd, PASSWD.into());
        etc.set(File::Shadow, SHADOW.into());
        etc.set(File::Group, GROUP.into());
        etc.set(File::Gshadow, GSHADOW.into());
        let image = Image {
            accounts: ImageAccounts::snapshot(PASSWD.as_bytes(), GROUP.as_bytes()),
            groups_allow: GroupsAllow::default(),
            home_bases: HomeBases::default(),
            sudoers_groups: BTreeSet::new(),
            uids: UidRange::default(),
            mapped_ids: vec![(0, u32::MAX)],
            shells: Shells::default(),
        };
        Self {
            records: Records::default(),
            etc,
            image,
            applied: Applied::default(),
        }
    }

    pub(crate) fn record(mut self, json: &str) -> Self {
        match ParsedRecord::parse(json.as_bytes(), self.image.uids) {
            Ok(ParsedRecord::Record(record)) => {
                let account = Box::new(record.account().clone());
                self.records.accounts.insert(account.name.clone(), account);
            }
            Ok(ParsedRecord::Legacy(_)) => panic!("a legacy record"),
            Err(reason) => panic!("{reason}"),
        }
        self
    }

    pub(crate) fn person(self, name: &str, uid: u32) -> Self {
        self.record(&format!(
            r#"{{"userName":"{name}","uid":{uid},"privileged":{{"hashedPassword":["{HASH}"]}}}}"#
        ))
    }

    pub(crate) fn tombstone(mut self, name: &str, uid: u32) -> Self {
        self.records.tombstones.push(Tombstone {
            name: Username::parse(name).unwrap(),
            uid: self.image.uids.uid(uid.into()).unwrap(),
            home: Home::parse(&format!("/home/{name}")).unwrap(),
        });
        self
    }

    pub(crate) fn unreadable(mut self, name: &str) -> Self {
        self.records.rejected.push(Rejected {
            part: Part::Record,
            file: format!("{name}.json"),
            name: Username::parse(name).ok(),
            reason: "not valid JSON".into(),
        });
        self
    }

    pub(crate) fn append(mut self, file: File, lines: &str) -> Self {
        let mut content = self.etc.bytes(file).to_vec();
        content.extend_from_slice(lines.as_bytes());
        self.etc.set(file, content);
        self
    }

    pub(crate) fn allow(mut self, groups: &str) -> Self {
        self.image.groups_allow = GroupsAllow::parse(groups.as_bytes());
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(&self.records, &self.etc, &self.image, &self.applied)
    }

    /// Applies the plan and returns the world after it.
    pub(crate) fn restored(mut self) -> Self {
        let (plan, remembered) = (self.plan(), self.remembered());
        for (file, content) in plan.writes {
            self.etc.set(file, content);
        }
        self.applied = remembered;
        self
    }

    pub(crate) fn remembered(&self) -> Applied {
        let decision = decide(&self.records, &self.etc, &self.image, &self.applied);
        let json = decision.applied(&BTreeSet::new()).to_json().unwrap();
        Applied::parse(&json).unwrap()
    }

    pub(crate) fn text(&self, file: File) -> String {
        String::from_utf8(self.etc.bytes(file).to_vec()).unwrap()
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        self.plan()
            .problems
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    pub(crate) fn applied_of(&self, name: &str) -> Applied {
        let entry = AppliedEntry::of(&self.records.accounts[name]);
        Applied {
            accounts: BTreeMap::from([(Username::parse(name).unwrap(), entry)]),
            capturing: BTreeMap::new(),
        }
    }
}

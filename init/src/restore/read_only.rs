//! Everything that a restore reads, without a lock: for commands that only look.

use super::applied_file::AppliedFile;
use super::session::must_be_root;
use super::{Paths, begin, migrate};
use crate::admission::Context;
use crate::error::Error;
use crate::etc::{EtcFiles, Snapshot};
use crate::image::{self, People};
use crate::store::{Loaded, Store};
use accounts::image::Image;
use accounts::reconcile;
use accounts::reconcile::{Applied, Plan};
use accounts::record::Records;

/// Everything read without a lock: enough to list, to check and to plan.
pub(crate) struct ReadOnlySession {
    pub(crate) records: Records,
    pub(crate) image: Image,
    pub(crate) applied: Applied,
    pub(crate) snapshot: Snapshot,
}

impl ReadOnlySession {
    /// Reads everything and changes nothing.
    pub(crate) fn read(paths: &Paths) -> Result<Self, Error> {
        must_be_root()?;
        let snapshot = EtcFiles::open(&paths.root)?.read()?;
        let store = Store::find(&paths.store)?;
        let uids = image::uid_range(&paths.root)?;
        let Loaded {
            mut records,
            legacy,
        } = match &store {
            Some(store) => store.load(uids)?,
            None => Loaded::default(),
        };
        begin::settle(&mut records, &snapshot.etc, &paths.root);
        let people = People {
            records: &records,
            store: store.as_ref(),
        };
        let image = image::read(&paths.root, &snapshot.etc, people, false)?;
        records.rejected.extend(
            legacy
                .iter()
                .map(|(legacy, _)| migrate::not_yet(&legacy.name, &image)),
        );
        Ok(Self {
            records,
            applied: AppliedFile::read(paths)?.into_applied(),
            image,
            snapshot,
        })
    }

    /// Everything that the rules about new accounts read; `store` is the one that was read.
    pub(crate) fn context<'a>(&'a self, store: Option<&'a Store>, paths: &'a Paths) -> Context<'a> {
        Context {
            records: &self.records,
            image: &self.image,
            etc: &self.snapshot.etc,
            store,
            root: &paths.root,
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        self.plan_of(&self.records)
    }

    pub(crate) fn plan_of(&self, records: &Records) -> Plan {
        reconcile::plan(records, &self.snapshot.etc, &self.image, &self.applied)
    }
}

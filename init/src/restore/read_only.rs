//! Everything that a restore reads, without a lock: for commands that only look.

use super::applied_file::AppliedFile;
use super::session::must_be_root;
use super::{Paths, migrate};
use crate::admission::Context;
use crate::error::Error;
use crate::etc::{EtcFiles, Snapshot};
use crate::image;
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
        let image = image::read(&paths.root, &snapshot.etc, false)?;
        let Loaded {
            mut records,
            legacy,
        } = match Store::find(&paths.store)? {
            Some(store) => store.load(image.uids)?,
            None => Loaded::default(),
        };
        records.rejected.extend(
            legacy
                .iter()
                .map(|(legacy, _)| migrate::not_yet(&legacy.name)),
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

//! People's opencodes: asked for, started, ended, told of.

pub(crate) mod cleanup;
pub(crate) mod process;
pub(crate) mod table;

use std::collections::HashMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::log::say;
use crate::monitor::accounts::Person;
use crate::monitor::event_loop::{Core, Event, clock};
use crate::monitor::files::{self, InstanceLine};
use crate::monitor::opencode::process::{Happened, Reached, Start, Stop};
use crate::monitor::opencode::table::{Ensured, Generation};
use crate::wire::{self, Message, Reply, Secret, Time, User};

/// A start under way.
pub(crate) struct Running {
    generation: Generation,
    uid: u32,
    since: Time,
    stop: watch::Sender<Stop>,
    /// Since when the person has no session.
    unowned_since: Option<Duration>,
}

impl Core {
    /// Nobody is left to say that an opencode is idle when its person has no
    /// session any more; that it works, the web half says all the same.
    pub(crate) fn stop_unowned(&mut self) {
        let now = self.now();
        let mut over = Vec::new();
        for (user, running) in &mut self.running {
            if self.tokens.of(user).next().is_some() {
                running.unowned_since = None;
            } else if now.saturating_sub(*running.unowned_since.get_or_insert(now))
                >= self.settings.idle
            {
                over.push(user.clone());
            }
        }
        for user in over {
            self.stop_instance(&user, Stop::Gently);
        }
    }

    /// The web half knows the secret, so it may speak for this opencode.
    pub(crate) fn works(&mut self, secret: &Secret) -> Reply {
        let digest = |bytes: &[u8]| Sha256::digest(bytes);
        let is_meant =
            |reached: &Reached| digest(reached.secret.as_bytes()) == digest(secret.expose());
        let mut running = self.instances.running();
        let user = running
            .find(|(_, reached)| reached.is_some_and(is_meant))
            .map(|(user, _)| user);
        match user.and_then(|user| self.running.get_mut(user)) {
            Some(running) => {
                running.unowned_since = None;
                Reply::Done
            }
            None => Reply::Gone,
        }
    }

    pub(crate) fn ensure(&mut self, user: &str) -> Reply {
        let now = self.now();
        let Some(person) = self.people.get(user).cloned().filter(|_| !self.is_stopping) else {
            return Reply::Gone;
        };
        let uid = person.uid;
        match self.instances.ensure(user, now) {
            Ensured::Ready(reached) => match Secret::from_text(&reached.secret) {
                Some(secret) => Reply::Ready {
                    port: reached.port,
                    uid,
                    secret,
                },
                None => Reply::Starting,
            },
            Ensured::Starting => Reply::Starting,
            Ensured::Failed(reason, rest) => Reply::Failed {
                reason,
                retry_seconds: u32::try_from(rest.as_secs() + 1).unwrap_or(u32::MAX),
            },
            Ensured::Start(generation) => {
                self.start_instance(person, generation);
                Reply::Starting
            }
        }
    }

    fn start_instance(&mut self, person: Person, generation: Generation) {
        let user = person.name.as_str().to_owned();
        let (stop, stopped) = watch::channel(Stop::No);
        let running = Running {
            generation,
            uid: person.uid,
            since: clock(),
            stop,
            unowned_since: None,
        };
        self.running.insert(user.clone(), running);
        let start = Start {
            person,
            allow_setuid: self.settings.allow_setuid,
            max_processes: self.settings.max_processes,
            turns: self.turns.clone(),
            stop: stopped,
        };
        let events = self.events.clone();
        tokio::task::spawn_local(start.run(async move |happened| {
            let event = Event::Instance(user.clone(), generation, happened);
            let _ = events.send(event).await;
        }));
        self.write_status();
    }

    pub(crate) fn stop_instance(&mut self, user: &str, how: Stop) {
        self.instances.stop(user);
        if let Some(running) = self.running.get(user) {
            running.stop.send_if_modified(|now| {
                let is_harder = *now == Stop::No || how == Stop::AtOnce;
                *now = if is_harder { how } else { *now };
                is_harder
            });
        }
    }

    pub(crate) fn instance_happened(
        &mut self,
        user: &str,
        generation: Generation,
        happened: Happened,
    ) {
        let now = self.now();
        let name = User::cut(user);
        match happened {
            Happened::Ready(reached) => {
                if self.instances.ready(user, generation, reached, now) {
                    self.tell(&Message::Event(wire::Event::InstanceReady { user: name }));
                }
            }
            Happened::Ended(why) => {
                if self
                    .running
                    .get(user)
                    .is_some_and(|running| running.generation == generation)
                {
                    self.running.remove(user);
                }
                self.tell(&Message::Event(wire::Event::InstanceGone { user: name }));
                let again = self.instances.ended(user, generation, why, now);
                match (again, self.people.get(user).cloned()) {
                    (Some(generation), Some(person)) if !self.is_stopping => {
                        self.start_instance(person, generation);
                    }
                    (Some(generation), _) => {
                        // Shut out meanwhile: it never starts.
                        self.instances.ended(user, generation, None, now);
                    }
                    (None, _) => (),
                }
            }
        }
        self.write_status();
    }

    pub(crate) fn write_status(&self) {
        let ready: HashMap<&str, u32> = self
            .instances
            .running()
            .filter_map(|(user, reached)| Some((user, reached?.pid)))
            .collect();
        let mut lines: Vec<InstanceLine<'_>> = self
            .running
            .iter()
            .map(|(user, running)| InstanceLine {
                user,
                uid: running.uid,
                pid: ready.get(user.as_str()).copied(),
                since: running.since,
            })
            .collect();
        lines.sort_by_key(|line| line.uid);
        if let Err(error) = files::write_status(self.address(), self.tokens.count(), &lines) {
            say(&format!("cannot write '/run/occ/gate.json': {error}"));
        }
    }
}

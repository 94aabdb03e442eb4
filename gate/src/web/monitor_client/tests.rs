use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;

use super::*;
use crate::wire::ask::{Answer, Ping, RenewPassword, Touch};
use crate::wire::{Conversation, Frames, Gone, Login, Request, Secret, Token, User};

/// A client, its end of the wire at work, and the monitor's end.
fn connected() -> (Monitor, JoinHandle<()>, Wire) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (monitor, calls) = Monitor::new();
    let same = monitor.clone();
    let running = tokio::spawn(async move { same.run(ours, calls, |_| {}).await });
    (monitor, running, Wire(theirs, Frames::default()))
}

struct Wire(UnixStream, Frames);

impl Wire {
    async fn next_call(&mut self) -> Call {
        let call = stream::read(&mut self.0, &mut self.1).await.unwrap();
        call.expect("the wire has not ended")
    }

    async fn reply(&mut self, id: u64, reply: Reply) {
        let frame = encode(&Message::Reply { id, reply }).unwrap();
        self.0.write_all(&frame).await.unwrap();
    }
}

fn ask<A>(monitor: &Monitor, request: A) -> JoinHandle<Result<A::Reply, NoReply>>
where
    A: Ask<Reply: Send> + Send + 'static,
{
    let monitor = monitor.clone();
    tokio::spawn(async move { monitor.ask(request).await })
}

/// Waits for no reply any more.
async fn abort<T>(asked: JoinHandle<T>) {
    asked.abort();
    assert!(asked.await.is_err());
}

fn login() -> LoginReply {
    LoginReply::Token(Login {
        token: token(7),
        user: User::cut("alice"),
        expires: 1,
        device: Secret::from_text("d").unwrap(),
    })
}

fn token(number: u8) -> Token {
    Token::new([number; 32])
}

#[tokio::test(flavor = "current_thread")]
async fn replies_find_their_calls_in_any_order() {
    let (monitor, _running, mut wire) = connected();
    let first = ask(&monitor, Touch { token: token(1) });
    let one = wire.next_call().await;
    let second = ask(&monitor, Touch { token: token(2) });
    let two = wire.next_call().await;
    wire.reply(two.id, Reply::Touch(Err(Gone))).await;
    wire.reply(one.id, Reply::Touch(Ok(()))).await;
    assert_eq!(first.await.unwrap(), Ok(Ok(())));
    assert_eq!(second.await.unwrap(), Ok(Err(Gone)));
}

#[tokio::test(flavor = "current_thread")]
async fn the_end_of_the_wire_answers_everybody() {
    let (monitor, running, wire) = connected();
    let waiting = ask(&monitor, Ping {});
    tokio::task::yield_now().await;
    drop(wire);
    assert!(waiting.await.unwrap().is_err());
    running.await.unwrap();
    assert!(monitor.ask(Ping {}).await.is_err());
}

#[tokio::test(flavor = "current_thread")]
async fn a_login_that_nobody_waits_for_ends() {
    let (monitor, _running, mut wire) = connected();
    let conversation = Conversation(1);
    let text = Secret::default();
    let asked = ask(&monitor, Answer { conversation, text });
    let call = wire.next_call().await;
    abort(asked).await;
    wire.reply(call.id, Reply::Answer(login())).await;
    assert!(matches!(wire.next_call().await.request, Request::End(end) if end.token == token(7)));
    let new = Secret::default();
    let asked = ask(&monitor, RenewPassword { conversation, new });
    let call = wire.next_call().await;
    abort(asked).await;
    wire.reply(call.id, Reply::RenewPassword(login())).await;
    assert!(matches!(wire.next_call().await.request, Request::End(end) if end.token == token(7)));
}

use super::*;
use crate::wire::ask::{Answer, Ping, Touch};
use crate::wire::{Conversation, Gone, Login, Request, Secret, Token, User};

async fn next_call(wire: &mut UnixStream, frames: &mut Frames) -> Call {
    loop {
        if let Some(call) = frames.take().unwrap() {
            return call;
        }
        let count = wire.read(frames.room()).await.unwrap();
        assert_ne!(count, 0, "the wire ended");
        frames.filled(count);
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

#[test]
fn replies_find_their_calls_in_any_order() {
    run(async {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (monitor, wire) = Monitor::connect(ours, |_| {});
        tokio::spawn(wire);
        let touch = |number| Touch {
            token: Token::new([number; 32]),
        };
        let first = tokio::spawn({
            let (monitor, touch) = (monitor.clone(), touch(1));
            async move { monitor.ask(touch).await }
        });
        let mut frames = Frames::default();
        let one = next_call(&mut theirs, &mut frames).await;
        let second = tokio::spawn({
            let (monitor, touch) = (monitor.clone(), touch(2));
            async move { monitor.ask(touch).await }
        });
        let two = next_call(&mut theirs, &mut frames).await;
        for (id, reply) in [
            (two.id, Reply::Touch(Err(Gone))),
            (one.id, Reply::Touch(Ok(()))),
        ] {
            theirs
                .write_all(&encode(&Message::Reply { id, reply }).unwrap())
                .await
                .unwrap();
        }
        assert_eq!(first.await.unwrap(), Ok(Ok(())));
        assert_eq!(second.await.unwrap(), Ok(Err(Gone)));
    });
}

#[test]
fn the_end_of_the_wire_answers_everybody() {
    run(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (monitor, wire) = Monitor::connect(ours, |_| {});
        let wire = tokio::spawn(wire);
        let waiting = tokio::spawn({
            let monitor = monitor.clone();
            async move { monitor.ask(Ping {}).await }
        });
        tokio::task::yield_now().await;
        drop(theirs);
        assert!(waiting.await.unwrap().is_err());
        wire.await.unwrap();
        assert!(monitor.ask(Ping {}).await.is_err());
    });
}

#[test]
fn a_login_that_nobody_waits_for_ends() {
    run(async {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (monitor, wire) = Monitor::connect(ours, |_| {});
        tokio::spawn(wire);
        let answer = Answer {
            conversation: Conversation(1),
            text: Secret::default(),
        };
        let asked = tokio::spawn(async move { monitor.ask(answer).await });
        let mut frames = Frames::default();
        let call = next_call(&mut theirs, &mut frames).await;
        asked.abort();
        assert!(asked.await.is_err());
        let login = Login {
            token: Token::new([7; 32]),
            user: User::cut("alice"),
            expires: 1,
            device: Secret::from_text("d").unwrap(),
        };
        let reply = Message::Reply {
            id: call.id,
            reply: Reply::Answer(LoginReply::Token(login)),
        };
        theirs.write_all(&encode(&reply).unwrap()).await.unwrap();
        let call = next_call(&mut theirs, &mut frames).await;
        assert!(
            matches!(call.request, Request::End(End { token }) if token == Token::new([7; 32]))
        );
    });
}

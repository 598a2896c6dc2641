//! Copies, beginnings anew, and the end.

use super::*;

#[tokio::test]
async fn a_fork_has_everything_and_goes_its_own_way() {
    let model = model(&["One.", "Two.", "Three."]);
    let opening = opening(&model).tools(rooms()).metadata("tenant", "t1");
    let conversation = opening.start().await.unwrap();
    conversation.send("a").await.unwrap();

    let fork = conversation.fork().await.unwrap();
    fork.set_var("visitor", "Bob");
    fork.send("b").await.unwrap();
    conversation.send("c").await.unwrap();

    assert_ne!(fork.id(), conversation.id());
    assert_eq!(said(&fork), ["user: a", "assistant: One.", "user: b", "assistant: Two."]);
    assert_eq!(said(&conversation), ["user: a", "assistant: One.", "user: c", "assistant: Three."]);
    let [_, of_fork, of_first] = &model.requests()[..] else { panic!("three requests") };
    assert_eq!((of_first.system.as_str(), of_fork.system.contains("Bob")), (ANN, true));
    assert_eq!(of_fork.parameters, of_first.parameters);
    assert_eq!(of_fork.metadata["conversation_id"], fork.id().to_string());
    assert_eq!((&of_fork.tools, &of_fork.metadata["tenant"]), (&of_first.tools, &"t1".to_owned()));
}

#[tokio::test]
async fn clearing_forgets_what_was_said_and_nothing_else() {
    let model = model(&["One.", "Two."]);
    let conversation = opening(&model).start().await.unwrap();
    conversation.send("a").await.unwrap();
    conversation.clear().await.unwrap();
    assert!(conversation.messages().is_empty());
    conversation.send("b").await.unwrap();
    let asked = &model.requests()[1];
    assert_eq!((asked.system.as_str(), asked.messages.len()), (ANN, 1));
}

#[tokio::test]
async fn a_closed_conversation_stays_closed() {
    let conversation = opening(&model(&["One."])).start().await.unwrap();
    conversation.close().await.unwrap();
    conversation.close().await.unwrap();
    let closed = |error| matches!(error, ConversationError::Closed);
    assert!(closed(conversation.send("a").await.unwrap_err()));
    assert!(closed(conversation.fork().await.unwrap_err()));
    assert!(closed(conversation.clear().await.unwrap_err()));
    assert!(closed(conversation.resolve("c1", Ok(json!(1))).await.unwrap_err()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_ends_does_not_lock_others_out_for_ever() {
    use crate::providers::mock::MockAnswer;
    let model = model(&[]);
    model.add(MockAnswer::text("Well").hanging_after(1));
    let conversation = opening(&model).start().await.unwrap();
    let mut stream = conversation.stream("a").await.unwrap();
    stream.next().await.unwrap().unwrap();
    let busy = conversation.send("b").await.unwrap_err();
    assert!(matches!(busy, ConversationError::Busy(_)), "{busy}");
}

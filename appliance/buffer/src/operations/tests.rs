use relaypacs_domain::{DeliveryState, DestinationName, HeldReason, MatchRule, Routing, ServiceLevel};

use crate::{
    ClaimLimits, StudyQuery,
    reclaim::tests::{Story, hold, proven},
};

fn name(text: &str) -> DestinationName {
    text.parse().unwrap()
}

fn route(story: &Story, names: &[&str]) {
    let routing = Routing(names.iter().map(|text| (name(text), MatchRule::default())).collect());
    story.runtime.block_on(story.buffer().set_routing(routing)).unwrap();
}

fn settled(story: &Story) {
    story.runtime.block_on(story.buffer().log().barrier()).unwrap();
}

#[test]
fn work_without_a_destination_is_held_and_leaves_when_one_comes() {
    let story = Story::new(8 << 20);
    route(&story, &[]);
    for number in 0..20 {
        story.store(number, 0);
    }
    settled(&story);
    let total = story.buffer().queue_total().unwrap();
    assert_eq!((total.instances, total.held_instances), (0, 20));
    route(&story, &["a"]);
    let queue = story.buffer().queue(&name("a")).unwrap();
    assert_eq!((queue.instances, queue.studies, queue.held_instances), (20, 7, 0));
    assert!(queue.oldest.is_some());
}

#[test]
fn a_destination_that_is_gone_leaves_its_work_held_until_it_is_back() {
    let story = Story::new(8 << 20);
    for number in 0..560 {
        story.store(number, 0);
    }
    settled(&story);
    route(&story, &["other"]);
    let queue = story.buffer().queue(&name("pacs")).unwrap();
    assert_eq!((queue.instances, queue.held_instances), (0, 560));
    let page = story.buffer().studies(&StudyQuery { limit: 1, ..StudyQuery::default() }).unwrap();
    assert_eq!(page.studies[0].deliveries[0].held, Some(HeldReason::DestinationNotConfigured));
    // Nobody can send it on by asking for another try.
    assert_eq!(story.runtime.block_on(story.buffer().retry_held(None)).unwrap(), 0);
    assert_eq!(story.runtime.block_on(story.buffer().retry(&Story::study_of(1), None)).unwrap(), 0);
    route(&story, &["pacs"]);
    let queue = story.buffer().queue(&name("pacs")).unwrap();
    assert_eq!((queue.instances, queue.held_instances), (560, 0));
}

#[test]
fn a_box_that_starts_holds_nothing_before_it_knows_its_destinations() {
    let mut story = Story::new(8 << 20);
    for number in 0..20 {
        story.store(number, 0);
    }
    story.close();
    story.open_unrouted();
    story.keep_up();
    let queue = story.buffer().queue(&name("pacs")).unwrap();
    assert_eq!((queue.instances, queue.held_instances), (20, 0));
}

#[test]
fn held_work_is_retried_or_given_up_in_batches() {
    let story = Story::new(16 << 20);
    for number in 0..630 {
        story.store(number, 0);
    }
    story.forward(|_| hold());
    let study = Story::study_of(3);
    assert_eq!(story.runtime.block_on(story.buffer().retry(&study, Some(&name("pacs")))).unwrap(), 90);
    assert_eq!(story.runtime.block_on(story.buffer().retry(&study, Some(&name("other")))).unwrap(), 0);
    assert_eq!(story.runtime.block_on(story.buffer().give_up(&study, &name("pacs"))).unwrap(), 90);
    assert_eq!(story.runtime.block_on(story.buffer().give_up(&study, &name("pacs"))).unwrap(), 0);
    assert_eq!(story.runtime.block_on(story.buffer().retry_held(Some(&name("pacs")))).unwrap(), 540);
    story.forward(|_| proven());
    let total = story.buffer().queue_total().unwrap();
    assert_eq!((total.instances, total.held_instances), (0, 0));
    let page = story.buffer().ledger(&study, None, 1000).unwrap().unwrap();
    assert!(page.entries.iter().all(|entry| entry.deliveries[0].1.state == DeliveryState::GivenUp));
    assert_eq!(page.entries.len(), 90);
}

#[test]
fn a_study_made_urgent_leaves_next() {
    let story = Story::new(8 << 20);
    for number in 0..21 {
        story.store(number, 0);
    }
    settled(&story);
    let study = Story::study_of(5);
    assert_eq!(story.runtime.block_on(story.buffer().set_priority(&study, ServiceLevel::Stat)).unwrap(), 3);
    let limits = ClaimLimits { max_bytes: u64::MAX, max_instances: 10, at_least: Some(ServiceLevel::Stat) };
    let claim = story.buffer().claim(&name("pacs"), limits).unwrap().unwrap();
    assert_eq!((claim.study, claim.items.len()), (Some(study), 3));
    let unknown = "1.2.3.4".parse().unwrap();
    assert_eq!(story.runtime.block_on(story.buffer().set_priority(&unknown, ServiceLevel::Stat)).unwrap(), 0);
}

#[test]
fn a_settled_claim_is_durable_and_what_has_no_verdict_goes_back() {
    let mut story = Story::new(8 << 20);
    for number in 0..14 {
        story.store(number, 0);
    }
    settled(&story);
    let limits = ClaimLimits { max_bytes: u64::MAX, max_instances: 10, at_least: None };
    let claim = story.buffer().claim(&name("pacs"), limits).unwrap().unwrap();
    let verdicts = vec![(claim.items[0].object, proven())];
    assert_eq!(claim.items.len(), 2);
    story.runtime.block_on(story.buffer().settle(claim, verdicts)).unwrap();
    assert_eq!(story.buffer().queue(&name("pacs")).unwrap().instances, 13);
    story.verify();
    assert_eq!(story.buffer().queue(&name("pacs")).unwrap().instances, 13);
    assert_eq!(story.buffer().incomplete_studies().unwrap().len(), 7);
    story.runtime.block_on(story.buffer().mark_complete(&Story::study_of(1))).unwrap();
    assert_eq!(story.buffer().incomplete_studies().unwrap().len(), 6);
}

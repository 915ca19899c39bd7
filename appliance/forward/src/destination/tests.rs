use super::*;
use crate::config::DestinationConfig;

#[tokio::test(start_paused = true)]
async fn while_nothing_can_be_recorded_less_and_less_is_sent() {
    let config = DestinationConfig::stow("pacs".parse().unwrap(), "http://127.0.0.1:1");
    let destination = Destination::new(config.checked().unwrap(), Metrics::default(), Clock::system());
    let error = CatalogueError::Log("no".into());
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let pause = destination.recorded(Some(&error));
        assert_eq!(destination.permit(), Gated::Open(Permit::Wait(pause)));
        pauses.push(pause.as_secs());
        tokio::time::advance(pause).await;
        assert_eq!(destination.permit(), Gated::Open(Permit::Trial), "one instance first");
        let proven = Outcome { verdicts: Vec::new(), signal: Signal::Proof, failure: None };
        destination.report(&proven);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert!(destination.health().last_error.unwrap().detail.contains("cannot record"));
    destination.recorded(None);
    assert_eq!(destination.permit(), Gated::Open(Permit::Send));
    assert_eq!(destination.recorded(Some(&error)).as_secs(), 1);
}

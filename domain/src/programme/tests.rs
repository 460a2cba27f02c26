//! Which campaigns there are.

use super::{Programme, ProgrammeCommand, ProgrammeEvent};
use crate::campaign::Action;
use crate::id::CampaignId;
use crate::testing::given;

#[test]
fn a_campaign_stands_there_once_until_it_is_closed() {
    let campaign = CampaignId::of("own", "welcome");
    let add = ProgrammeCommand::Add { campaign, action: Action::Signup };
    let story = given::<Programme>(&[])
        .when(add)
        .then(&[ProgrammeEvent::CampaignAdded { campaign, action: Action::Signup }])
        .when(add)
        .then(&[]);
    assert_eq!(story.state.campaigns(Action::Signup).collect::<Vec<_>>(), [campaign]);
    assert_eq!(story.state.campaigns(Action::Review).count(), 0);
    let story = story
        .when(ProgrammeCommand::Remove { campaign })
        .then(&[ProgrammeEvent::CampaignRemoved { campaign }])
        .when(ProgrammeCommand::Remove { campaign })
        .then(&[]);
    assert_eq!(story.state.campaigns(Action::Signup).count(), 0);
}

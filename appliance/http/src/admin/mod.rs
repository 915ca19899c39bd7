//! What an operator may do, over the admin socket only. Whoever can open the socket (its file belongs to the box's user, mode 0600) may
//! ask; nothing here is ever mounted on a TCP listener.
//!
//! - [`work`]: studies on their way: retry, priority, give up, queue.
//! - [`forwarding`]: destinations: echo, pause, resume.
//! - [`upkeep`]: scrub, backup, log filter.
//! - [`people`]: accounts, set-up code, keys of tokens.
//! - [`events`]: what happened.

mod events;
pub(crate) mod forwarding;
mod people;
mod upkeep;
mod work;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// All routes of the admin socket that are not read routes.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(work::routes())
        .merge(forwarding::routes())
        .merge(upkeep::routes())
        .merge(people::routes())
        .merge(events::routes())
}

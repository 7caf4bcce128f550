//! Mails: written down in Postgres, sealed for whom they are to, and sent by SMTP until the server
//! has taken them.
//!
//! * [`letter`]: which mails there are, and what each says; [`render`]: templates by language;
//! * [`outbox`]: those that wait, and what became of them; [`sender`]: who sends them;
//! * [`settings`]: what a process is told.
//!
//! It knows nobody: an address comes with the letter. What a mail is about, its callers know.

mod filters;
pub mod letter;
pub mod outbox;
pub mod render;
pub mod sender;
pub mod settings;

pub use letter::Letter;
pub use outbox::Post;
pub use settings::Settings;

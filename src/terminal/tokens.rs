//! What browsers prove with that they may.

use super::{Error, SessionKey};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Tokens that are good at a time, of each kind but the one for access; the oldest gives way to a new one.
const MAX: usize = 4096;

/// What a token is good for; `S` is what names a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass<S = SessionKey> {
    /// Everything, as long as the program runs.
    Access,
    /// Everything, once.
    Single,
    /// Watching this session, if it is still there.
    Share(S),
}

/// The tokens that a program has given out. Which of them is looked for is not told by how long it takes.
///
/// `S` names a session, and never another one: a session's id will not do, for it is free when the session is gone.
#[derive(Debug)]
pub struct Tokens<S = SessionKey> {
    access: String,
    lifetime: Duration,
    singles: VecDeque<(String, Instant)>,
    shares: VecDeque<(String, S)>,
}

impl<S: Clone + PartialEq> Tokens<S> {
    /// `access`: the token that is good for everything; `None`: 128 random bits. `lifetime`: of a single-use token.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty one, [`Error::System`].
    pub fn new(access: Option<String>, lifetime: Duration) -> Result<Tokens<S>, Error> {
        let access = match access {
            Some(access) if access.is_empty() => {
                return Err(Error::Invalid("the access token is empty; expected one that nobody can guess".into()));
            }
            Some(access) => access,
            None => random()?,
        };
        Ok(Tokens { access, lifetime, singles: VecDeque::new(), shares: VecDeque::new() })
    }

    /// The token that is good for everything.
    pub fn access(&self) -> &str {
        &self.access
    }

    /// A new token that is good once.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn issue(&mut self, now: Instant) -> Result<String, Error> {
        let lifetime = self.lifetime;
        self.singles.retain(|(_, issued)| now.duration_since(*issued) < lifetime);
        if self.singles.len() >= MAX {
            self.singles.pop_front();
        }
        let token = random()?;
        self.singles.push_back((token.clone(), now));
        Ok(token)
    }

    /// The token with which others may watch a session; always the same one.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn share(&mut self, session: S) -> Result<String, Error> {
        if let Some((token, _)) = self.shares.iter().find(|(_, shared)| *shared == session) {
            return Ok(token.clone());
        }
        if self.shares.len() >= MAX {
            self.shares.pop_front();
        }
        let token = random()?;
        self.shares.push_back((token.clone(), session));
        Ok(token)
    }

    /// Is it the token that is good for everything?
    pub fn is_access(&self, token: &[u8]) -> bool {
        is_same(token, self.access.as_bytes())
    }

    /// What a token is good for; one that is good once is not any more. `None`: for nothing.
    pub fn redeem(&mut self, token: &[u8], now: Instant) -> Option<Pass<S>> {
        let mut single = None;
        for (at, (other, _)) in self.singles.iter().enumerate() {
            if is_same(token, other.as_bytes()) {
                single = Some(at);
            }
        }
        let mut share = None;
        for (other, session) in &self.shares {
            if is_same(token, other.as_bytes()) {
                share = Some(session);
            }
        }
        match (self.is_access(token), single, share) {
            (true, ..) => Some(Pass::Access),
            (_, Some(at), _) => {
                let (_, issued) = self.singles.remove(at)?;
                (now.duration_since(issued) < self.lifetime).then_some(Pass::Single)
            }
            (_, _, Some(session)) => Some(Pass::Share(session.clone())),
            _ => None,
        }
    }
}

fn random() -> Result<String, Error> {
    crate::random::token().ok_or_else(|| Error::System("the system gives no random numbers".into()))
}

/// Compares all bytes, wherever the first difference is.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    let difference = given.iter().zip(expected).fold(0, |all, (one, other)| std::hint::black_box(all | (one ^ other)));
    given.len() == expected.len() && difference == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn each_kind_is_good_for_what_it_is() {
        let now = Instant::now();
        let mut tokens = Tokens::new(None, MINUTE).unwrap();
        let access = tokens.access().to_owned();
        assert_eq!(access.len(), 32);
        assert_eq!(tokens.redeem(access.as_bytes(), now), Some(Pass::Access));
        assert_eq!(tokens.redeem(access.as_bytes(), now), Some(Pass::Access));
        let single = tokens.issue(now).unwrap();
        assert!(!tokens.is_access(single.as_bytes()));
        assert_eq!(tokens.redeem(single.as_bytes(), now), Some(Pass::Single));
        assert_eq!(tokens.redeem(single.as_bytes(), now), None, "used");
        let share = tokens.share("abc").unwrap();
        assert_eq!(tokens.share("abc").unwrap(), share);
        assert_ne!(tokens.share("abd").unwrap(), share);
        assert_eq!(tokens.redeem(share.as_bytes(), now), Some(Pass::Share("abc")));
        assert_eq!(tokens.redeem(share.as_bytes(), now), Some(Pass::Share("abc")));
        for wrong in [&b""[..], b"x", share.to_uppercase().as_bytes(), &access.as_bytes()[..31]] {
            assert_eq!(tokens.redeem(wrong, now), None);
        }
        assert_eq!(tokens.redeem(format!("{access}0").as_bytes(), now), None);
    }

    #[test]
    fn a_token_for_once_is_short_lived_and_the_oldest_gives_way() {
        let now = Instant::now();
        let mut tokens = Tokens::<SessionKey>::new(Some("secret".into()), MINUTE).unwrap();
        let late = tokens.issue(now).unwrap();
        assert_eq!(tokens.redeem(late.as_bytes(), now + MINUTE), None);
        let first = tokens.issue(now).unwrap();
        let second = tokens.issue(now).unwrap();
        for _ in 0..MAX - 1 {
            tokens.issue(now).unwrap();
        }
        assert_eq!(tokens.redeem(first.as_bytes(), now), None);
        assert_eq!(tokens.redeem(second.as_bytes(), now), Some(Pass::Single));
        tokens.issue(now + MINUTE).unwrap();
        assert_eq!(tokens.singles.len(), 1);
        assert!(tokens.is_access(b"secret") && !tokens.is_access(b"secre"));
        assert!(Tokens::<SessionKey>::new(Some(String::new()), MINUTE).is_err());
    }
}

//! The event that is being turned into values. The memory limit may be hit on the way, and where PHP then jumps out of all
//! frames, the event must not be lost with them, nor the borrow that they leave behind block what comes after.

use crate::Event;
use std::cell::{Ref, RefCell};

type Place = RefCell<Option<Event>>;

/// A place for one event.
#[derive(Default)]
pub struct Current {
    /// The last one counts; those before it are borrowed for ever.
    #[allow(clippy::vec_box, reason = "what is borrowed of a place must stay where it is when the list grows")]
    places: RefCell<Vec<Box<Place>>>,
}

impl Current {
    /// Puts an event there.
    pub fn set(&self, event: Event) {
        let mut places = self.places.borrow_mut();
        if places.last().is_none_or(|place| place.try_borrow_mut().is_err()) {
            places.push(Box::default());
        }
        let before = places.last().and_then(|place| place.replace(Some(event)));
        drop(places);
        drop(before);
    }

    /// Looks at it. No PHP code may run meanwhile.
    pub fn borrow(&self) -> Ref<'_, Option<Event>> {
        self.place().borrow()
    }

    /// Takes it out.
    pub fn take(&self) -> Option<Event> {
        self.place().try_borrow_mut().ok().and_then(|mut event| event.take())
    }

    fn place(&self) -> &Place {
        let mut places = self.places.borrow_mut();
        if places.is_empty() {
            places.push(Box::default());
        }
        let last = places.last().map_or(std::ptr::null(), |place| std::ptr::from_ref(&**place));
        // SAFETY: there is one now, it is on the heap, and it stays there until `self` goes.
        unsafe { &*last }
    }
}

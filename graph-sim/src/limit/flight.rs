//! Requests in flight, by bucket.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Bucket;

/// How many requests of each bucket have come and are not answered to their end.
#[derive(Clone, Default)]
pub struct Flights(Arc<Mutex<[u32; 3]>>);

/// A request in flight, until this is dropped.
pub struct Flight {
    flights: Flights,
    bucket: Bucket,
}

impl Flights {
    /// Counts one more; `None` if `max` are in flight already.
    pub fn enter(&self, bucket: Bucket, max: Option<u32>) -> Option<Flight> {
        let mut counts = self.0.lock();
        let count = &mut counts[bucket as usize];
        if max.is_some_and(|max| *count >= max) {
            return None;
        }
        *count += 1;
        Some(Flight { flights: self.clone(), bucket })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.0.lock()[self.bucket as usize] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_has_its_own_and_what_has_landed_makes_room() {
        let flights = Flights::default();
        let first = flights.enter(Bucket::SharePoint, Some(1));
        assert!(first.is_some() && flights.enter(Bucket::SharePoint, Some(1)).is_none());
        assert!(flights.enter(Bucket::Directory, Some(1)).is_some());
        assert!(flights.enter(Bucket::SharePoint, None).is_some());
        drop(first);
        assert!(flights.enter(Bucket::SharePoint, Some(1)).is_some());
    }
}

//! Documents that were written lately, so that they need not be read again for their next event.
//!
//! They are the rows as the last commit left them, for whoever holds the lease: see
//! [`Folder`](crate::projection::Folder) for when all of them are forgotten.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::Hash;
use std::num::NonZeroUsize;

use lru::LruCache;

/// Documents remembered of a table; the least recently written is forgotten first.
const DOCUMENTS_MAX: NonZeroUsize = NonZeroUsize::new(2_048).unwrap();
/// What a document may take as JSON, in bytes; a longer one is read again. So the worst that is
/// remembered of a table are the documents of 16 MiB of JSON.
const JSON_BYTES_MAX: usize = 8 * 1024;

/// Documents that were written lately, by key.
pub struct Recent<K: Hash + Eq, V>(LruCache<K, V>);

impl<K: Hash + Eq, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(LruCache::sparse(DOCUMENTS_MAX))
    }
}

impl<K: Ord + Hash, V> Recent<K, V> {
    /// The documents of `keys`: those that are remembered, taken out to be kept again once they are
    /// written, and of the others those that `load` finds.
    pub async fn or_load<L>(
        &mut self,
        keys: impl IntoIterator<Item = K>,
        load: impl FnOnce(Vec<K>) -> L,
    ) -> sqlx::Result<BTreeMap<K, V>>
    where
        L: Future<Output = sqlx::Result<Vec<(K, V)>>>,
    {
        let (mut documents, unknown) = self.take(keys);
        if !unknown.is_empty() {
            documents.extend(load(unknown).await?);
        }
        Ok(documents)
    }

    /// Takes out what is remembered of `keys`, and says which are to be read.
    fn take(&mut self, keys: impl IntoIterator<Item = K>) -> (BTreeMap<K, V>, Vec<K>) {
        let (mut known, mut unknown) = (BTreeMap::new(), vec![]);
        for key in keys {
            match self.0.pop_entry(&key) {
                Some((key, document)) => drop(known.insert(key, document)),
                None => unknown.push(key),
            }
        }
        (known, unknown)
    }

    /// Remembers documents as they were written, each with its JSON.
    pub fn keep(&mut self, written: impl IntoIterator<Item = (K, V)>, json: &[String]) {
        for ((key, document), json) in written.into_iter().zip(json) {
            if json.len() <= JSON_BYTES_MAX {
                self.0.push(key, document);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_what_was_written_last_and_is_not_long() {
        let mut recent = Recent::default();
        let most = DOCUMENTS_MAX.get();
        let keys = 0..=most;
        let json = vec![String::new(); keys.clone().count()];
        recent.keep(keys.map(|key| (key, "short")), &json);
        let long = ".".repeat(JSON_BYTES_MAX + 1);
        recent.keep([(usize::MAX, "long")], &[long]);
        let (known, unknown) = recent.take([0, 1, most, usize::MAX]);
        assert_eq!(known, BTreeMap::from([(1, "short"), (most, "short")]));
        assert_eq!(unknown, [0, usize::MAX]);
        assert_eq!(recent.take([1]).1, [1], "what was taken is to be kept again");
    }
}

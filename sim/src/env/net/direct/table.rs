//! A table whose keys are never given twice: what was removed is not found under an old key.

/// Values by key.
#[derive(Debug)]
pub struct Table<T> {
    rows: Vec<Row<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Row<T> {
    /// How often the row was given away.
    uses: u32,
    value: Option<T>,
}

/// A key of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableKey {
    row: u32,
    uses: u32,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    /// Stores a value under a new key.
    pub fn insert(&mut self, value: T) -> TableKey {
        let row = self.free.pop().unwrap_or_else(|| {
            self.rows.push(Row { uses: 0, value: None });
            self.rows.len() as u32 - 1
        });
        let Row { uses, value: place } = &mut self.rows[row as usize];
        *uses = uses.wrapping_add(1);
        *place = Some(value);
        TableKey { row, uses: *uses }
    }

    /// The value under a key.
    pub fn get_mut(&mut self, key: TableKey) -> Option<&mut T> {
        let row = self.rows.get_mut(key.row as usize)?;
        if row.uses == key.uses { row.value.as_mut() } else { None }
    }

    /// Takes the value under a key out.
    pub fn remove(&mut self, key: TableKey) -> Option<T> {
        let row = self.rows.get_mut(key.row as usize).filter(|row| row.uses == key.uses)?;
        let value = row.value.take()?;
        self.free.push(key.row);
        Some(value)
    }

    /// All values with their keys.
    pub fn iter(&self) -> impl Iterator<Item = (TableKey, &T)> {
        let key = |row: usize, uses| TableKey { row: row as u32, uses };
        let rows = self.rows.iter().enumerate();
        rows.filter_map(move |(at, row)| Some((key(at, row.uses), row.value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_finds_nothing_when_its_row_is_used_again() {
        let mut table = Table::default();
        let old = table.insert("old");
        assert_eq!(table.get_mut(old), Some(&mut "old"));
        assert_eq!(table.remove(old), Some("old"));
        let new = table.insert("new");
        assert_eq!(table.rows.len(), 1);
        assert_eq!(table.get_mut(old), None);
        assert_eq!(table.remove(old), None);
        assert_eq!(table.iter().collect::<Vec<_>>(), [(new, &"new")]);
    }
}

//! Random histories: what people do to a drive, from a seed.

use super::drive::{Content, Drive, Grant, ROOT};
use super::edit::{Conflict, EditError, Patch};
use super::item::{Item, flag};
use super::pool::Recipe;
use super::tree;
use crate::config::TenantProfile;
use crate::seed::Seed;

impl Drive {
    /// Applies `count` random acts and answers how many changes the log gained.
    ///
    /// An act is one of: create a file or folder, edit, rename (once or twice), move, delete, delete and
    /// create again under the same name, move out of a folder and delete it, share, and turn a folder
    /// and its child around by two moves. `tell` is the part of the deletions whose descendants are told.
    pub fn mutate(&mut self, profile: &TenantProfile, seed: Seed, count: u32, tell: f64, at_ms: i64) -> u32 {
        let start = self.seq();
        for number in 0..count {
            // An act that is refused (a name is taken, nothing is left) is drawn again, a few times.
            let own = seed.with(u64::from(number)).with(u64::from(self.index));
            (0..8).find(|again| self.act(profile, own.with(*again), tell, at_ms).is_ok());
        }
        self.seq() - start
    }

    fn act(&mut self, profile: &TenantProfile, seed: Seed, tell: f64, at_ms: i64) -> Result<(), EditError> {
        let tell = seed.with(90).chance(tell);
        match seed.with(1).below(100) {
            0..22 => self.act_create(profile, seed, at_ms),
            22..28 => {
                let parent = self.draw(seed, flag::FOLDER)?;
                let name = format!("New folder {}", self.rows());
                self.create_folder(parent, &name, Conflict::Fail, at_ms).map(drop)
            }
            28..50 => {
                let index = self.draw(seed, 0)?;
                let kind = self.row(index).map_or(0, |item| item.kind);
                let content = self.draw_content(profile, seed, Some(kind));
                self.edit(index, content, at_ms)
            }
            50..62 => self.act_rename(seed, at_ms),
            62..74 => {
                let (index, parent) = (self.draw_any(seed.with(2))?, self.draw(seed.with(3), flag::FOLDER)?);
                self.move_to(index, parent, at_ms)
            }
            74..84 => {
                let index = self.draw_any(seed)?;
                self.spare_the_trunk(index)?;
                self.delete(index, tell, at_ms)
            }
            84..88 => self.act_recreate(profile, seed, tell, at_ms),
            88..92 => self.act_rescue(seed, tell, at_ms),
            92..96 => self.act_turn_around(seed, at_ms),
            _ => {
                let index = self.draw_any(seed)?;
                let email = Some(format!("guest{}@fabrikam.example", seed.with(5).below(50)));
                self.share(index, Grant { email, role: "read".into(), link: None }, at_ms)
            }
        }
    }

    fn act_create(&mut self, profile: &TenantProfile, seed: Seed, at_ms: i64) -> Result<(), EditError> {
        let parent = self.draw(seed, flag::FOLDER)?;
        let content = self.draw_content(profile, seed, Some(0));
        let name = format!("New file {}.txt", self.rows());
        self.put_file(parent, &name, content, Conflict::Fail, at_ms).map(drop)
    }

    fn act_rename(&mut self, seed: Seed, at_ms: i64) -> Result<(), EditError> {
        let index = self.draw_any(seed)?;
        for turn in 0..=seed.with(6).below(2) {
            let item = *self.item(index).ok_or(EditError::NotFound)?;
            let old = self.name(index, &item);
            let (stem, extension) = old.rsplit_once('.').filter(|_| item.is_file()).unwrap_or((&old, ""));
            let dot = if extension.is_empty() { "" } else { "." };
            let stem: String = stem.chars().take(60).collect();
            let name = format!("{stem} r{}{dot}{extension}", seed.with(turn).below(100_000));
            self.update(index, &Patch { name: Some(name), ..Patch::default() }, Conflict::Fail, at_ms)?;
        }
        Ok(())
    }

    fn act_recreate(
        &mut self,
        profile: &TenantProfile,
        seed: Seed,
        tell: bool,
        at_ms: i64,
    ) -> Result<(), EditError> {
        let index = self.draw(seed, 0)?;
        let item = *self.item(index).ok_or(EditError::NotFound)?;
        let name = self.name(index, &item);
        let content = self.draw_content(profile, seed, Some(item.kind));
        self.delete(index, tell, at_ms)?;
        self.put_file(item.parent, &name, content, Conflict::Fail, at_ms).map(drop)
    }

    /// Moves one child out of a folder, then deletes the folder.
    fn act_rescue(&mut self, seed: Seed, tell: bool, at_ms: i64) -> Result<(), EditError> {
        let folder = self.draw(seed, flag::FOLDER)?;
        self.spare_the_trunk(folder)?;
        let child = *self.children(folder).first().ok_or(EditError::NotFound)?;
        let above = self.item(folder).map_or(ROOT, |item| item.parent);
        self.move_to(child, above, at_ms)?;
        self.delete(folder, tell, at_ms)
    }

    /// Of A/B makes B/A: B moves beside A, then A into B.
    fn act_turn_around(&mut self, seed: Seed, at_ms: i64) -> Result<(), EditError> {
        let inner = self.draw(seed, flag::FOLDER)?;
        let outer = self.item(inner).map_or(ROOT, |item| item.parent);
        if inner == ROOT || outer == ROOT {
            return Err(EditError::NotFound);
        }
        let above = self.item(outer).map_or(ROOT, |item| item.parent);
        self.move_to(inner, above, at_ms)?;
        self.move_to(outer, inner, at_ms)
    }

    fn move_to(&mut self, index: u32, parent: u32, at_ms: i64) -> Result<(), EditError> {
        if self.item(index).is_some_and(|item| item.parent == parent) {
            return Err(EditError::Invalid("It is there already."));
        }
        self.update(index, &Patch { parent: Some(parent), ..Patch::default() }, Conflict::Fail, at_ms)
    }

    /// Refuses to delete what holds more than a twentieth of the drive: it would soon be empty.
    fn spare_the_trunk(&self, index: u32) -> Result<(), EditError> {
        let limit = (self.rows() / 20).max(8) as usize;
        let mut below = vec![index];
        let mut next = 0;
        while let Some(at) = below.get(next).copied() {
            below.extend_from_slice(self.children(at));
            next += 1;
            if below.len() > limit {
                return Err(EditError::Invalid("It holds too much."));
            }
        }
        Ok(())
    }

    /// A content that no other item has.
    pub fn draw_content(&self, profile: &TenantProfile, seed: Seed, kind: Option<u16>) -> Content {
        let own = seed.with(7).with(u64::from(self.seq()));
        let (drawn, size) = tree::shape(profile, own);
        Content::Recipe(Recipe { seed: own.0, size, text: tree::is_text(kind.unwrap_or(drawn)) })
    }

    fn draw_any(&self, seed: Seed) -> Result<u32, EditError> {
        self.draw_where(seed, |index, _| index != ROOT)
    }

    /// An item that has `wanted`; with 0, a file.
    fn draw(&self, seed: Seed, wanted: u16) -> Result<u32, EditError> {
        self.draw_where(seed, |_, item| if wanted == 0 { item.is_file() } else { item.has(wanted) })
    }

    fn draw_where(&self, seed: Seed, fits: impl Fn(u32, &Item) -> bool) -> Result<u32, EditError> {
        let tries = (0..200).map(|again| seed.with(30 + again).below(u64::from(self.rows())) as u32);
        let mut fitting = tries.filter(|index| self.item(*index).is_some_and(|item| fits(*index, item)));
        fitting.next().ok_or(EditError::NotFound)
    }
}

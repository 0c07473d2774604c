-- An open question may be about the beginning of a life: 'opened' or 'flipped'; '' where it is about what came later.
ALTER TABLE cases ADD COLUMN birth TEXT NOT NULL DEFAULT '';

-- An open question may be about the beginning of a life: 'opened' or 'flipped'; '' where it is about what came later. prior: the
-- contracts of the life before it. begun: when the first of several questions that became one was asked; NULL where it is one.
ALTER TABLE cases ADD COLUMN birth TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN prior TEXT NOT NULL DEFAULT '0';
ALTER TABLE cases ADD COLUMN begun INTEGER;

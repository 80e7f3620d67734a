import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** Namespaces, objects with their versions, uploads in parts, access keys of the S3 door, and what is known of the bytes on disk. */
export const storage: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const statements = [
      sql`
        CREATE TABLE namespaces (
          id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
          person_id TEXT NOT NULL REFERENCES people (id),
          visibility INTEGER NOT NULL DEFAULT 0 CHECK (visibility IN (0, 1)),
          versioning TEXT NOT NULL DEFAULT 'off' CHECK (versioning IN ('off', 'enabled', 'suspended')),
          quota_bytes INTEGER, cors TEXT, lifecycle TEXT, tags TEXT,
          objects INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
        ) STRICT`,
      sql`CREATE INDEX namespaces_by_person ON namespaces (person_id)`,
      sql`
        CREATE TABLE object_versions (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          namespace_id INTEGER NOT NULL REFERENCES namespaces (id), key TEXT NOT NULL, version_id TEXT NOT NULL,
          is_latest INTEGER NOT NULL, is_delete_marker INTEGER NOT NULL DEFAULT 0,
          size INTEGER NOT NULL, hash TEXT, etag TEXT NOT NULL, content_type TEXT NOT NULL,
          headers TEXT, tags TEXT, checksum TEXT, created_at INTEGER NOT NULL
        ) STRICT`,
      sql`CREATE UNIQUE INDEX object_versions_by_version ON object_versions (namespace_id, key, version_id)`,
      sql`CREATE UNIQUE INDEX object_versions_latest ON object_versions (namespace_id, key) WHERE is_latest = 1`,
      sql`CREATE INDEX object_versions_in_order ON object_versions (namespace_id, key, id DESC)`,
      sql`CREATE INDEX object_versions_by_hash ON object_versions (hash) WHERE hash IS NOT NULL`,
      sql`
        CREATE TABLE object_segments (
          version_row INTEGER NOT NULL REFERENCES object_versions (id) ON DELETE CASCADE,
          position INTEGER NOT NULL, part_number INTEGER NOT NULL, hash TEXT NOT NULL, size INTEGER NOT NULL, checksum TEXT,
          PRIMARY KEY (version_row, position)
        ) STRICT, WITHOUT ROWID`,
      sql`CREATE INDEX object_segments_by_hash ON object_segments (hash)`,
      sql`
        CREATE TABLE storage_uploads (
          id TEXT PRIMARY KEY, namespace_id INTEGER NOT NULL REFERENCES namespaces (id), key TEXT NOT NULL,
          person_id TEXT NOT NULL REFERENCES people (id), kind TEXT NOT NULL CHECK (kind IN ('s3', 'tus')),
          content_type TEXT NOT NULL, headers TEXT, tags TEXT, checksum TEXT, announced_size INTEGER,
          created_at INTEGER NOT NULL, touched_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID`,
      sql`CREATE INDEX storage_uploads_by_key ON storage_uploads (namespace_id, key, id)`,
      sql`CREATE INDEX storage_uploads_by_touch ON storage_uploads (touched_at)`,
      sql`
        CREATE TABLE upload_parts (
          upload_id TEXT NOT NULL REFERENCES storage_uploads (id) ON DELETE CASCADE, number INTEGER NOT NULL,
          namespace_id INTEGER NOT NULL REFERENCES namespaces (id), hash TEXT NOT NULL, size INTEGER NOT NULL, md5 TEXT NOT NULL, checksum TEXT, created_at INTEGER NOT NULL,
          PRIMARY KEY (upload_id, number)
        ) STRICT, WITHOUT ROWID`,
      sql`CREATE INDEX upload_parts_by_hash ON upload_parts (hash)`,
      sql`
        CREATE TABLE storage_quotas (
          person_id TEXT PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE, bytes INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID`,
      sql`
        CREATE TABLE storage_keys (
          id TEXT PRIMARY KEY, person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE, name TEXT NOT NULL,
          sealed_secret TEXT NOT NULL, scopes TEXT, created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID`,
      sql`CREATE INDEX storage_keys_by_person ON storage_keys (person_id)`,
      sql`
        CREATE TABLE storage_faults (
          hash TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('missing', 'damaged')), detail TEXT NOT NULL, found_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID`,
      sql`
        CREATE TABLE storage_scrubs (
          id INTEGER PRIMARY KEY AUTOINCREMENT, started_at INTEGER NOT NULL, finished_at INTEGER, position TEXT NOT NULL,
          blobs INTEGER NOT NULL, bytes INTEGER NOT NULL, faults INTEGER NOT NULL
        ) STRICT`,
      // What a namespace holds is counted where it changes, so that no path can forget it.
      sql`
        CREATE TRIGGER object_versions_counted AFTER INSERT ON object_versions BEGIN
          UPDATE namespaces SET bytes = bytes + NEW.size, objects = objects + (NEW.is_latest = 1 AND NEW.is_delete_marker = 0)
          WHERE id = NEW.namespace_id;
        END`,
      sql`
        CREATE TRIGGER object_versions_discounted AFTER DELETE ON object_versions BEGIN
          UPDATE namespaces SET bytes = bytes - OLD.size, objects = objects - (OLD.is_latest = 1 AND OLD.is_delete_marker = 0)
          WHERE id = OLD.namespace_id;
        END`,
      sql`
        CREATE TRIGGER object_versions_recounted AFTER UPDATE OF is_latest ON object_versions BEGIN
          UPDATE namespaces SET objects = objects
            + (NEW.is_latest = 1 AND NEW.is_delete_marker = 0) - (OLD.is_latest = 1 AND OLD.is_delete_marker = 0)
          WHERE id = NEW.namespace_id;
        END`,
      sql`
        CREATE TRIGGER upload_parts_counted AFTER INSERT ON upload_parts BEGIN
          UPDATE namespaces SET bytes = bytes + NEW.size WHERE id = NEW.namespace_id;
        END`,
      sql`
        CREATE TRIGGER upload_parts_discounted AFTER DELETE ON upload_parts BEGIN
          UPDATE namespaces SET bytes = bytes - OLD.size WHERE id = OLD.namespace_id;
        END`,
    ]
    for (const statement of statements) await statement.execute(db)
  },
}

import { doorsStory } from "./doors-story"
import { rcloneStory } from "./rclone-story"
import { resticStory } from "./restic-story"
import { s3cmdStory } from "./s3cmd-story"
import { sdkStory } from "./sdk-story"
import type { Story } from "./step"

/** In the order in which they are told. */
export const stories: Story[] = [sdkStory, rcloneStory, s3cmdStory, resticStory, doorsStory]

import { rcloneStory } from "./rclone-story"
import type { Story } from "./step"

/** In the order in which they are told. */
export const stories: Story[] = [rcloneStory]

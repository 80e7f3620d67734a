/** Whether a fault is the database's word that somebody else, a mapping or a connection, holds the hostname (`held_names`). */
export const isHeld = (error: unknown): boolean => error instanceof Error && error.message.includes("held_names.hostname")

/** What a path says to methods that it does not have (RFC 9110 section 15.5.6). */
export const allowOnly = (methods: string): Response =>
  Response.json(
    { error: `method not allowed: ${methods} only` },
    { status: 405, headers: { allow: methods, "x-content-type-options": "nosniff" } },
  )

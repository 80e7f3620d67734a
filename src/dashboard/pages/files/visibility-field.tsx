import { useId } from "react"
import { files } from "../../words/files"

export type VisibilityName = "private" | "public"

/** Who may read a namespace, with what that means. */
export function VisibilityField({ value, onChange }: { value: VisibilityName; onChange: (value: VisibilityName) => void }) {
  const id = useId()
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 font-medium">{files.whoReads}</legend>
      {(["private", "public"] as const).map((one) => (
        <div key={one} className="grid grid-cols-[auto_1fr] gap-x-2">
          <input
            type="radio"
            name={id}
            id={`${id}-${one}`}
            aria-describedby={`${id}-${one}-hint`}
            checked={value === one}
            onChange={() => onChange(one)}
            className="mt-0.5 size-4 accent-(--color-accent)"
          />
          <label htmlFor={`${id}-${one}`}>{files.visibility[one]}</label>
          <p id={`${id}-${one}-hint`} className="col-start-2 text-sm text-dim">
            {files.visibilityHint[one]}
          </p>
        </div>
      ))}
    </fieldset>
  )
}

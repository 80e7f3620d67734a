import { files } from "../../words/files"

export type VisibilityName = "private" | "public"

/** Who may read a namespace, with what that means. */
export const VisibilityField = ({ value, onChange }: { value: VisibilityName; onChange: (value: VisibilityName) => void }) => (
  <fieldset className="flex flex-col gap-2">
    <legend className="mb-1 font-medium">{files.whoReads}</legend>
    {(["private", "public"] as const).map((one) => (
      <label key={one} className="grid grid-cols-[auto_1fr] gap-x-2">
        <input
          type="radio"
          name="visibility"
          checked={value === one}
          onChange={() => onChange(one)}
          className="mt-0.5 size-4 accent-(--color-accent)"
        />
        <span>{files.visibility[one]}</span>
        <span className="col-start-2 text-sm text-dim">{files.visibilityHint[one]}</span>
      </label>
    ))}
  </fieldset>
)

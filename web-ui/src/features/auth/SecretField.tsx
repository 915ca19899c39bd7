import { Eye, EyeOff } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { useT } from "@/i18n/useT";
import { TextField } from "@/ui/Field";

/** A password with an eye. */
export function SecretField(props: Omit<ComponentProps<typeof TextField>, "type" | "end">) {
  const t = useT();
  const [shown, setShown] = useState(false);
  const Icon = shown ? EyeOff : Eye;
  return (
    <TextField
      {...props}
      type={shown ? "text" : "password"}
      autoCapitalize="none"
      spellCheck={false}
      end={
        <button
          type="button"
          aria-label={t(shown ? "login.hide" : "login.show")}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
          className="inline-flex size-11 items-center justify-center rounded-lg hover:bg-sunken lg:pointer-fine:size-9"
        >
          <Icon size={18} aria-hidden="true" />
        </button>
      }
    />
  );
}

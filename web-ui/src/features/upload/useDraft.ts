import { useEffect, useRef, useState } from "react";
import { useUser } from "@/api/useSession";
import { type Draft, type DraftStudy, loadDraft, type StudyForm, saveDraft } from "@/store/draft";

const SAVE_EVERY_MS = 2000;

type Loaded = { kind: "loading" } | { kind: "missing" } | { kind: "draft"; draft: Draft };

/** A draft as it is being completed: loaded once, saved every two seconds while it changes, and when the page is left. */
export function useDraft(id: string | undefined) {
  const user = useUser();
  const [loaded, setLoaded] = useState<Loaded>({ kind: "loading" });
  const current = useRef<Draft | null>(null);
  const dirty = useRef(false);

  useEffect(() => {
    if (!id) return;
    let gone = false;
    void loadDraft(user.id, id).then((draft) => {
      if (gone) return;
      current.current = draft ?? null;
      setLoaded(draft ? { kind: "draft", draft } : { kind: "missing" });
    });
    const save = () => {
      if (!dirty.current || !current.current) return;
      dirty.current = false;
      void saveDraft(user.id, current.current);
    };
    const timer = setInterval(save, SAVE_EVERY_MS);
    addEventListener("pagehide", save);
    return () => {
      gone = true;
      clearInterval(timer);
      removeEventListener("pagehide", save);
      save();
    };
  }, [id, user.id]);

  const set = (draft: Draft) => {
    current.current = draft;
    dirty.current = true;
    setLoaded({ kind: "draft", draft });
  };
  return {
    loaded,
    user,
    latest: () => current.current,
    set,
    /** The draft was sent: it is not saved again. */
    drop: () => {
      dirty.current = false;
      current.current = null;
    },
    setForm: (key: string, form: StudyForm) => {
      const draft = current.current;
      if (draft) set({ ...draft, studies: draft.studies.map((study): DraftStudy => (study.key === key ? { ...study, form } : study)) });
    },
  };
}

"""A columnflow producer of the column FatJet.rs3l_score: name its module in ``production_modules`` of law.cfg."""

from columnflow.columnar_util import optional_column, set_ak_column
from columnflow.production import producer
from columnflow.util import maybe_import

np = maybe_import("numpy")

CANDIDATES = ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")


@producer(
    uses={
        *(f"FatJet.{name}" for name in ("pt", "eta", "phi", "mass")),
        optional_column("FatJet.rawFactor"),  # features want pT before corrections
        *(f"PFCands.{name}" for name in CANDIDATES),
        *(f"FatJetPFCands.{name}" for name in ("jetIdx", "pFCandsIdx")),
    },
    produces={"FatJet.rs3l_score"},
    mc_only=False,
    tagger="default-hbb",
)
def rs3l_score(self, events, **kwargs):  # noqa: ARG001  # columnflow's signature
    """Before the events are reduced, since the links count in the whole collection of jets."""
    from rs3l_gnn.inference import JetTagger, event_inputs  # in the sandbox alone

    jets = event_inputs(events)
    score = jets.jagged(JetTagger(self.tagger).score(jets))  # float32 [event][jet]
    return set_ak_column(events, "FatJet.rs3l_score", score, value_type=np.float32)

package org.crosswind.app

import android.app.Activity
import android.graphics.Rect
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import org.crosswind.app.fields.FieldRow
import org.crosswind.app.fields.fieldRow
import org.crosswind.app.model.BadInput
import org.crosswind.app.model.Field
import org.crosswind.app.model.Form
import org.crosswind.app.model.Predictor
import org.crosswind.app.model.Presets
import org.crosswind.app.model.Reason
import org.crosswind.app.model.decimal

private const val TEXTS = "texts"
private const val MORE = "more"
private const val ANSWER = "answer"

/**
 * The form on the main screen and the answer below it.
 *
 * @param state what [save] kept before the screen was rotated or the process ended; null at first.
 */
class FormScreen(private val activity: Activity, private val predictor: Predictor, state: Bundle?) {
    private val words = predictor.card.words
    private val form = Form(predictor.card)
    private val presets = Presets(predictor.card.features)
    private val rows: List<FieldRow>
    private val moreFields: ViewGroup = activity.findViewById(R.id.more_fields)
    private val more: Button = activity.findViewById(R.id.more)
    private val result = AnswerView(activity, predictor.card)
    private var answer: FloatArray? = null

    init {
        activity.title = words.title
        val fields: ViewGroup = activity.findViewById(R.id.fields)
        rows = form.fields.map { row(it, if (it.more) moreFields else fields) }
        val texts = state?.getBundle(TEXTS)
        rows.forEach { it.show(texts?.getString(it.field.name) ?: it.field.text) }

        more.visibility = if (form.fields.any { it.more }) View.VISIBLE else View.GONE
        more.setOnClickListener { unfold(moreFields.visibility != View.VISIBLE) }
        unfold(state?.getBoolean(MORE) ?: false)
        activity.findViewById<Button>(R.id.predict).apply {
            text = words.ask
            setOnClickListener { predict() }
        }
        activity.findViewById<TextView>(R.id.model).text = activity.trainedOn(predictor.card)
        state?.getFloatArray(ANSWER)?.let(::show)
    }

    /** Keeps what was entered, what is unfolded, and the answer. */
    fun save(state: Bundle) {
        state.putBundle(TEXTS, Bundle().apply { texts().forEach { (name, text) -> putString(name, text) } })
        state.putBoolean(MORE, moreFields.visibility == View.VISIBLE)
        answer?.let { state.putFloatArray(ANSWER, it) }
    }

    private fun row(field: Field, parent: ViewGroup): FieldRow =
        fieldRow(field, parent).also { row ->
            row.onChange = { changed(row) }
            parent.addView(row.view)
        }

    private fun texts(): Map<String, String> = rows.associate { it.field.name to it.text }

    /** Fills in what follows from a change, and takes away an answer that no longer belongs to the form. */
    private fun changed(row: FieldRow) {
        val follows = presets.after(row.field.name, texts())
        rows.forEach { other -> follows[other.field.name]?.let(other::show) }
        answer = null
        result.hide()
    }

    private fun unfold(unfolded: Boolean) {
        moreFields.visibility = if (unfolded) View.VISIBLE else View.GONE
        more.text = activity.getString(if (unfolded) R.string.more_hide else R.string.more_show, words.row)
    }

    private fun predict() {
        try {
            show(predictor.predict(form.row(texts())))
            result.view.run { post { requestRectangleOnScreen(Rect(0, 0, width, height)) } }
        } catch (error: BadInput) {
            refuse(error)
        }
    }

    private fun show(answer: FloatArray) {
        this.answer = answer
        result.show(answer)
    }

    private fun refuse(error: BadInput) {
        val row = rows.single { it.field.name == error.field }
        if (row.field.more) unfold(true)
        row.refuse(message(error, row))
    }

    private fun message(error: BadInput, row: FieldRow): String = when (error.reason) {
        Reason.MISSING -> activity.getString(R.string.error_missing, row.field.label)
        Reason.WRONG_TYPE -> activity.getString(R.string.error_number, row.field.label)
        Reason.OUT_OF_RANGE -> {
            val (least, most) = listOf(row.field.minimum, row.field.maximum).map { it?.let(::decimal).orEmpty() }
            activity.getString(R.string.error_range, row.field.label, activity.getString(R.string.hint_range, least, most))
        }
        Reason.UNKNOWN_FIELD -> throw error // the form has the card's fields only
    }
}
